export { detectSqli } from './sqli.js'
export { detectXss } from './xss.js'
