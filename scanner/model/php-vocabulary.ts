/**
 * The words of PHP that tell what a script can do, in groups by what that is. From the manual of PHP (php.net/manual):
 * its superglobals and the functions of its extensions.
 */

/** Variables that hold what came from outside, without the `$`. */
export const SUPERGLOBALS = [
  '_get',
  '_post',
  '_request',
  '_cookie',
  '_server',
  '_files',
  '_session',
  'globals',
  'http_raw_post_data',
] as const

export const CALL_GROUPS = [
  'evaluate',
  'command',
  'callback',
  'decode',
  'character',
  'rearrange',
  'replace',
  'upload',
  'write',
  'read',
  'remove',
  'list',
  'permission',
  'network',
  'mail',
  'database',
  'environment',
  'setting',
  'output',
  'probe',
  'header',
  'digest',
  'unserialise',
  'define',
] as const

export type CallGroup = (typeof CALL_GROUPS)[number]

const GROUPS: Readonly<Record<CallGroup, string>> = {
  evaluate: 'eval assert create_function',
  command: 'system exec shell_exec passthru popen proc_open pcntl_exec expect_popen win_shell_execute dl',
  callback:
    'call_user_func call_user_func_array array_map array_filter array_walk array_walk_recursive array_reduce usort uasort ' +
    'uksort array_diff_ukey array_udiff register_shutdown_function register_tick_function forward_static_call ' +
    'preg_replace_callback iterator_apply ob_start func_get_args set_error_handler mb_ereg_replace',
  decode:
    'base64_decode gzinflate gzuncompress gzdecode str_rot13 convert_uudecode hex2bin pack unpack rawurldecode urldecode ' +
    'bzdecompress openssl_decrypt mcrypt_decrypt html_entity_decode quoted_printable_decode json_decode',
  character: 'chr ord dechex hexdec octdec bindec base_convert',
  rearrange:
    'strrev str_split implode join substr strtr str_shuffle array_reverse range substr_replace chunk_split',
  replace: 'str_replace str_ireplace preg_replace ereg_replace eregi_replace preg_match preg_split',
  upload: 'move_uploaded_file is_uploaded_file copy',
  write: 'file_put_contents fopen fwrite fputs touch rename mkdir symlink link tempnam tmpfile',
  read: 'readfile file_get_contents file fread fgets highlight_file show_source highlight_string fpassthru parse_ini_file',
  remove: 'unlink rmdir',
  list: 'opendir readdir scandir glob dir closedir is_dir is_writable is_readable filesize disk_free_space disk_total_space',
  permission: 'chmod chown chgrp fileperms fileowner filegroup umask posix_getpwuid posix_getgrgid',
  network:
    'fsockopen pfsockopen socket_create socket_connect stream_socket_client stream_socket_server curl_exec curl_init ' +
    'curl_setopt gethostbyname ftp_connect ftp_login ssh2_connect',
  mail: 'mail mb_send_mail',
  database:
    'mysql_connect mysql_query mysqli_connect mysqli_query pg_connect mssql_connect oci_connect sqlite_open',
  environment:
    'phpinfo php_uname phpversion getmyuid get_current_user posix_getuid posix_geteuid posix_getegid getcwd chdir ' +
    'php_sapi_name sys_getloadavg getenv putenv get_cfg_var',
  setting:
    'ini_set ini_get ini_restore set_time_limit error_reporting ignore_user_abort set_magic_quotes_runtime ' +
    'get_magic_quotes_gpc ini_get_all',
  output: 'ob_get_contents ob_end_clean ob_clean flush ob_flush print_r var_dump printf',
  probe: 'function_exists extension_loaded is_callable is_executable class_exists defined',
  header: 'header setcookie session_start http_response_code',
  digest: 'md5 sha1 crc32 hash crypt',
  unserialise: 'unserialize extract parse_str import_request_variables mb_parse_str',
  define: 'define constant',
}

/** Every function of the groups with its group. */
export const NAMED_CALLS: ReadonlyMap<string, CallGroup> = new Map(
  CALL_GROUPS.flatMap((group) => GROUPS[group].split(' ').map((name) => [name, group] as const)),
)
