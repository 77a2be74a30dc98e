/**
 * Words of SQL dialects (MySQL, PostgreSQL, SQL Server, Oracle, SQLite) by the part they play, chosen from the dialects' manuals. A word in none of these lists
 * is a name.
 */

/** What a token is; one letter of a fingerprint. */
export type TokenKind =
  | '1' // number
  | 's' // string
  | 'q' // string that began before the value, closed by a single quote
  | 'Q' // the same, closed by a double quote
  | 'p' // string that the value ends inside of
  | 'P' // the same, opened by a double quote
  | 'n' // name
  | 'v' // variable or constant
  | 'f' // function, an opening parenthesis follows
  | 'k' // keyword inside a statement
  | 'E' // word that begins a statement
  | 'T' // word that only a batch of SQL Server or a procedure begins with
  | 'U' // set operation
  | 'B' // grouping or ordering
  | 'o' // operator
  | '&' // logical operator
  | 'c' // comment to the end
  | 'h' // what may be one: a `#`, or dashes with a word stuck to them
  | 'X' // what nobody writes by accident: MySQL's conditional comment, a comment inside another, writing to a file
  | '('
  | ')'
  | ','
  | ';'
  | '{'
  | '}'

const lists: readonly (readonly [TokenKind, string])[] = [
  [
    'E',
    'select insert update delete drop create alter truncate exec execute replace load merge call grant revoke rename handler explain describe copy attach pragma vacuum',
  ],
  [
    'T',
    'declare waitfor shutdown begin goto while print reconfigure use backup restore kill dbcc raiserror bulk',
  ],
  ['U', 'union intersect except minus'],
  ['B', 'having'],
  ['&', 'and or xor'],
  [
    'o',
    'like rlike regexp div mod in between is not glob similar ilike sounds binary overlaps escape uescape collate',
  ],
  [
    'k',
    `from where limit offset into outfile dumpfile as all distinct top case when then else end join inner outer natural cross on using values set table tables
     database databases schema view index procedure trigger column constraint asc desc by group order partition exists any some full left right interval fetch
     returning lateral window over rows only for with without recursive delay against boolean mode analyse analyze option infile terminated if add modify user
     role password identified default primary foreign references cascade restrict temporary temp unique fields lines low_priority high_priority straight_join
     sql_calc_found_rows sql_no_cache lock share nowait`,
  ],
  [
    'v',
    `null true false unknown current_user current_date current_time current_timestamp session_user system_user localtime localtimestamp sysdate rownum rowid utc_date
     utc_time utc_timestamp user_name dual notnull`,
  ],
  [
    'f',
    `abs acos adddate addtime aes_decrypt aes_encrypt array_agg array_to_json array_to_string ascii asciistr asin atan atan2 avg benchmark bigint bin bit_and bit_count bit_length bit_or bit_xor
     cast ceil ceiling char char_length character_length charindex chr coalesce coercibility collation compress concat concat_ws connection_id conv convert
     convert_tz cos cot count crc32 curdate current_database current_schema current_setting curtime database date date_add date_format date_sub datediff day dayname db_name dbms_lock
     dbms_pipe decode degrees des_decrypt des_encrypt elt encode encrypt exp export_set extract extractvalue field find_in_set floor format
     found_rows from_base64 from_days from_unixtime generate_series get_lock gethostname group_concat hex hostname hour host_name if ifnull iif inet_aton inet_ntoa instr is_free_lock
     is_member is_srvrolemember isnull json_keys json_extract json_agg json_array json_object last_day last_insert_id lcase least left length lengthb likelihood ln load_extension load_file locate log log10 log2 lower lpad ltrim make_set
     master_pos_wait max md5 microsecond mid min minute monthname name_const newid now nullif nvl object_id oct openquery openrowset opendatasource ord ordinal password patindex period_add pg_client_encoding pg_ls_dir pg_read_file
     pg_sleep pi polygon multipoint multipolygon multilinestring linestring geometrycollection position pow power printf quarter query_to_xml quote radians rand randomblob random rawtohex regexp_like regexp_matches regexp_replace regexp_substr
     repeat replace reverse right round row_count row_number rpad rtrim schema sec_to_time sha sha1 sha2 sign sin sleep soundex space sqlite_version sqrt stddev str str_to_date
     strcmp string_agg stuff subdate substr substring substring_index subtime sum suser_name suser_sname sys_context sys_eval sys_exec tan time_to_sec timediff timestamp timestampadd
     timestampdiff to_base64 to_char to_date to_days to_hex to_number translate trim truncate typeof ucase uncompress unhex unicode uniform unlikely unix_timestamp
     updatexml upper user utl_http utl_inaddr uuid uuid_short values variance varchar version week weekday xmltype xmlelement xmlagg xmlforest year zeroblob any_value ascii_char greatest nchar int integer decimal numeric char_to_chr
     dateadd datename datepart getdate error_name has_dbaccess lastval pg_user st_geomfromtext mod xp_cmdshell xp_dirtree quote_ident quote_literal table_to_xml database_to_xml`,
  ],
]

function build(): ReadonlyMap<string, TokenKind> {
  const kinds = new Map<string, TokenKind>()
  for (const [kind, words] of lists) {
    // A word that is a function too is one only before a parenthesis: see `functionWords`.
    for (const word of words.split(/\s+/)) if (!(kind === 'f' && kinds.has(word))) kinds.set(word, kind)
  }
  return kinds
}

export const sqlWords: ReadonlyMap<string, TokenKind> = build()

/** Words that name a function when a parenthesis follows. */
export const functionWords: ReadonlySet<string> = new Set(
  lists
    .flatMap(([kind, words]) => (kind === 'f' ? words.split(/\s+/) : []))
    .concat(['current_user', 'session_user', 'system_user']),
)

/** Pairs of words that mean one thing; the second is swallowed. */
export const wordPairs: ReadonlyMap<string, TokenKind> = new Map<string, TokenKind>([
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
  ['insert into', 'E'],
  ['insert ignore', 'E'],
  ['replace into', 'E'],
  ['delete from', 'E'],
  ['drop table', 'E'],
  ['drop database', 'E'],
  ['create table', 'E'],
  ['alter table', 'E'],
  ['truncate table', 'E'],
  ['load data', 'E'],
  ['not in', 'o'],
  ['not like', 'o'],
  ['not rlike', 'o'],
  ['not regexp', 'o'],
  ['not between', 'o'],
  ['not similar', 'o'],
  ['not ilike', 'o'],
  ['not glob', 'o'],
  ['is not', 'o'],
  ['is distinct', 'o'],
  ['similar to', 'o'],
  ['sounds like', 'o'],
  ['into outfile', 'X'],
  ['into dumpfile', 'X'],
  ['inner join', 'k'],
  ['cross join', 'k'],
  ['left join', 'k'],
  ['right join', 'k'],
  ['natural join', 'k'],
  ['full join', 'k'],
  ['outer join', 'k'],
  ['for update', 'k'],
  ['procedure analyse', 'k'],
  ['boolean mode', 'k'],
  ['in boolean', 'k'],
  ['waitfor delay', 'T'],
  ['waitfor time', 'T'],
])
