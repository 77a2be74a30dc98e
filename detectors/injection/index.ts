export { detectSqli } from './sqli.js'
export { sqliSigns } from './sqli-signs.js'
export { detectXss } from './xss.js'
