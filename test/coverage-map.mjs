/** @param {string} file */
export default (file) => file.replace(/^test\//, '').replace(/\.test\.ts$/, '.ts')
