/**
 * Words of SQL dialects (MySQL, PostgreSQL, SQL Server, Oracle, SQLite) by the part they play, chosen from the dialects' manuals. A word in none of these lists
 * is a name.
 */

/** What a token is; one letter of a fingerprint. */
export type TokenKind =
  | '1' // number
  | 's' // string
  | 'q' // string that began before the value, closed by a single quote that has a word at most before it
  | 'z' // the same with more text before it
  | 'Q' // as `q`, closed by a double quote
  | 'Z' // as `z`, closed by a double quote
  | 'p' // string that the value ends inside of, with a word at most in it
  | 'P' // the same with more text in it
  | 'y' // the same with nothing in it
  | 'u' // string that the value ends inside of, which the quote around the value would not close
  | 'n' // name
  | 'm' // name with an opening parenthesis stuck to it
  | 'v' // constant or system variable
  | 'i' // variable
  | 'g' // function, an opening parenthesis is stuck to it
  | 'G' // function that attackers like best: it waits, reads files or fails on purpose
  | 'f' // call of a function, folded
  | 'x' // call of a function that is not ours, folded
  | 'e' // query in parentheses, folded
  | 'r' // list of values, folded
  | 'E' // `select`
  | 'D' // word that begins another statement
  | 'M' // two words that begin a statement and are seldom neighbours in text
  | 'T' // word that only a batch of SQL Server or a procedure begins with
  | 'Y' // SQL Server's wait
  | 'w' // `case`, `when` and `then`
  | 'J' // `shutdown`
  | 'U' // set operation
  | 'B' // grouping or ordering
  | 'H' // `having`
  | 'F' // `from`
  | 'L' // `where`
  | 'k' // other keyword inside a statement
  | 'o' // operator that computes
  | '=' // comparison
  | 'l' // comparison or operator that is a word
  | '!' // `not`
  | '&' // `and`, `or`, `xor`
  | 'a' // the same as signs
  | 'j' // `==`, which few dialects know and all other languages do
  | 't' // what belongs to text or to other languages
  | 'c' // comment to the end with nothing in it
  | 'd' // comment of dashes with text in it
  | 'C' // block comment that does not end
  | 'h' // what may be a comment: a `#` with something behind it, or dashes with a word stuck to them
  | 'O' // what nobody writes by accident: writing to a file, MySQL's `1.e.name`
  | '('
  | ')'
  | ','
  | ';'
  | '{'
  | '}'
  | '.'

const lists: readonly (readonly [TokenKind, string])[] = [
  ['E', 'select'],
  [
    'D',
    'insert update delete drop create alter truncate exec execute replace load merge call grant revoke rename handler explain describe copy attach pragma vacuum set if do',
  ],
  ['T', 'declare waitfor begin goto while print reconfigure use backup restore kill dbcc raiserror bulk'],
  ['J', 'shutdown'],
  ['U', 'union intersect except minus'],
  ['H', 'having'],
  ['w', 'case when then'],
  ['F', 'from'],
  ['L', 'where'],
  ['&', 'and or xor'],
  ['!', 'not'],
  [
    'l',
    'like rlike regexp div mod in between is glob similar ilike sounds binary overlaps escape uescape collate',
  ],
  [
    'k',
    `limit offset into outfile dumpfile as all distinct top else end join inner outer natural cross on using values table by group order partition exists any some
     left right interval fetch returning lateral over for with without recursive against boolean mode infile delay low_priority high_priority quick ignore
     straight_join sql_calc_found_rows sql_no_cache lock`,
  ],
  [
    'v',
    `null true false unknown current_user current_date current_time current_timestamp session_user system_user localtime localtimestamp sysdate rownum rowid utc_date
     utc_time utc_timestamp dual notnull`,
  ],
  [
    'g',
    `user_name abs acos adddate addtime aes_decrypt aes_encrypt array_agg array_to_json array_to_string ascii asciistr asin atan atan2 avg bigint bin bit_and bit_count bit_length bit_or bit_xor
     cast ceil ceiling char char_length character_length charindex chr coalesce coercibility collation compress concat concat_ws connection_id conv convert
     convert_tz cos cot count crc32 curdate current_database current_schema curtime database date date_add date_format date_sub datediff day dayname db_name 
      decode degrees des_decrypt des_encrypt elt encode encrypt exp export_set extract field find_in_set floor format
     found_rows from_base64 from_days from_unixtime generate_series get_lock gethostname hex hostname hour host_name if ifnull iif inet_aton inet_ntoa instr is_free_lock
     is_member isnull json_extract json_agg json_array json_object last_day last_insert_id lcase least left length lengthb likelihood ln locate log log10 log2 lower lpad ltrim make_set
      max md5 microsecond mid min minute monthname newid now nullif nvl object_id oct openquery ord ordinal password patindex period_add pg_client_encoding  
      pi polygon multipolygon multilinestring linestring position pow power printf quarter quote radians rand random rawtohex regexp_like regexp_matches regexp_replace regexp_substr
     repeat replace reverse right round row_count row_number rpad rtrim schema sec_to_time sha sha1 sha2 sign sin soundex space sqlite_version sqrt stddev str str_to_date
     strcmp string_agg stuff subdate substr substring substring_index subtime sum suser_name suser_sname sys_context tan time_to_sec timediff timestamp timestampadd
     timestampdiff to_base64 to_char to_date to_days to_hex to_number translate trim truncate typeof ucase uncompress unhex unicode uniform unlikely unix_timestamp
      upper user uuid uuid_short values variance varchar version week weekday xmlelement xmlagg xmlforest year zeroblob any_value ascii_char greatest nchar int integer decimal numeric char_to_chr
     dateadd datename datepart getdate error_name has_dbaccess lastval pg_user st_geomfromtext mod quote_ident quote_literal  `,
  ],
  [
    'G',
    `sleep benchmark pg_sleep load_file extractvalue updatexml xp_cmdshell xp_dirtree dbms_lock dbms_pipe utl_http utl_inaddr sys_eval sys_exec pg_read_file pg_ls_dir
     randomblob load_extension openrowset opendatasource xmltype json_keys gtid_subset group_concat current_setting database_to_xml table_to_xml query_to_xml master_pos_wait is_srvrolemember name_const geometrycollection multipoint receive_message get_host_address get_host_name dbms_lock.sleep user_lock.sleep ctxsys.drithsx.sn utl_http.request sqlite3_version procedure_analyse sp_oacreate sp_executesql
     sp_makewebtask sp_configure sp_password xp_regread xp_filelist xp_subdirs xp_fileexist`,
  ],
]

function isFunction(kind: TokenKind): kind is 'g' | 'G' {
  return kind === 'g' || kind === 'G'
}

/** Words by what they are when no parenthesis follows; the functions among them are in `functionWords`. */
export const sqlWords: ReadonlyMap<string, TokenKind> = new Map(
  lists
    .filter(([kind]) => !isFunction(kind))
    .flatMap(([kind, words]) =>
      words
        .trim()
        .split(/\s+/)
        .map((word): [string, TokenKind] => [word, kind]),
    ),
)

/** Words that name a function when a parenthesis follows. */
export const functionWords: ReadonlyMap<string, 'g' | 'G'> = new Map(
  lists
    .flatMap(([kind, words]) =>
      isFunction(kind)
        ? words
            .trim()
            .split(/\s+/)
            .map((word): [string, 'g' | 'G'] => [word, kind])
        : [],
    )
    .concat([
      ['current_user', 'g'],
      ['session_user', 'g'],
      ['system_user', 'g'],
    ]),
)

/** Words that SQL still sees when a number is stuck to them in front. */
export const jamming: ReadonlySet<string> = new Set(
  'union and or xor having order group limit like rlike regexp div mod between procedure intersect except where from'.split(
    ' ',
  ),
)

/** What a sentence puts behind `select` and `from` and a query does not: no column and no table is called like this. */
const determiners =
  'the this that these those my your our his her its their each every any which here there where me you us them him it'

/** Pairs of words that mean one thing; the second is swallowed. */
export const wordPairs: ReadonlyMap<string, TokenKind> = new Map<string, TokenKind>([
  ...determiners.split(' ').flatMap((word): [string, TokenKind][] => [
    [`select ${word}`, 't'],
    [`from ${word}`, 't'],
  ]),
  ['group by', 'B'],
  ['order by', 'B'],
  ['partition by', 'B'],
  ['union all', 'U'],
  ['union distinct', 'U'],
  ['intersect all', 'U'],
  ['except all', 'U'],
  ['select all', 'E'],
  ['select distinct', 'E'],
  ['select top', 'E'],
  ['select distinctrow', 'E'],
  ['insert into', 'M'],
  ['insert ignore', 'M'],
  ['replace into', 'M'],
  ['delete from', 'M'],
  ['drop table', 'M'],
  ['drop database', 'M'],
  ['drop view', 'M'],
  ['drop user', 'M'],
  ['create table', 'M'],
  ['create database', 'M'],
  ['create function', 'M'],
  ['create procedure', 'M'],
  ['alter table', 'M'],
  ['alter user', 'M'],
  ['alter database', 'M'],
  ['truncate table', 'M'],
  ['load data', 'M'],
  ['load xml', 'M'],
  ['bulk insert', 'M'],
  ['exec master', 'M'],
  ['exec sp_executesql', 'M'],
  ['execute immediate', 'M'],
  ['drop procedure', 'M'],
  ['drop function', 'M'],
  ['begin dbms_lock', 'M'],
  ['not in', 'l'],
  ['not like', 'l'],
  ['not rlike', 'l'],
  ['not regexp', 'l'],
  ['not between', 'l'],
  ['not similar', 'l'],
  ['not ilike', 'l'],
  ['not glob', 'l'],
  ['is not', 'l'],
  ['is distinct', 'l'],
  ['similar to', 'l'],
  ['sounds like', 'l'],
  ['rlike binary', 'l'],
  ['or binary', '&'],
  ['and binary', '&'],
  ['= binary', '='],
  ['like binary', 'l'],
  ['regexp binary', 'l'],
  ['into outfile', 'O'],
  ['into dumpfile', 'O'],
  ['procedure analyse', 'O'],
  ['inner join', 'k'],
  ['cross join', 'k'],
  ['left join', 'k'],
  ['right join', 'k'],
  ['natural join', 'k'],
  ['full join', 'k'],
  ['outer join', 'k'],
  ['for update', 'k'],
  ['boolean mode', 'k'],
  ['in boolean', 'k'],
  ['waitfor delay', 'Y'],
  ['waitfor time', 'Y'],
])
