import { type Profile, runProfiles } from './profile-cases.js'
import { form } from './profile.js'

const hit = { target: '/?a=evil&b=two' }

const profiles: readonly Profile[] = [
  {
    name: 'deny ends with 403',
    rules: 'SecRule ARGS "@streq evil" "id:1,phase:1,deny"\nSecAction "id:2,phase:1,pass"',
    request: hit,
    hits: [1],
    ends: 'block 403',
  },
  {
    name: 'status sets what deny answers',
    rules: 'SecRule ARGS "@streq evil" "id:1,phase:1,status:406,deny"',
    request: hit,
    hits: [1],
    ends: 'block 406',
  },
  {
    name: 'drop has no status',
    rules: 'SecRule ARGS "@streq evil" "id:1,phase:1,drop"',
    request: hit,
    hits: [1],
    ends: 'drop 0',
  },
  {
    name: 'redirect answers 302',
    rules: `SecRule ARGS "@streq evil" "id:1,phase:1,redirect:'https://x.example/%{ARGS.b}'"`,
    request: hit,
    hits: [1],
    ends: 'redirect 302',
  },
  {
    name: 'redirect keeps a redirecting status',
    rules: `SecRule ARGS "@streq evil" "id:1,phase:1,status:307,redirect:'/'"`,
    request: hit,
    hits: [1],
    ends: 'redirect 307',
  },
  {
    name: 'block without SecDefaultAction goes on',
    rules: 'SecRule ARGS "@streq evil" "id:1,phase:1,block"',
    request: hit,
    hits: [1],
    ends: 'none',
  },
  {
    name: 'block does what SecDefaultAction of its phase says',
    rules: 'SecDefaultAction "phase:1,log,deny,status:418"\nSecRule ARGS "@streq evil" "id:1,phase:1,block"',
    request: hit,
    hits: [1],
    ends: 'block 418',
  },
  {
    name: 'a default of another phase does not count',
    rules: 'SecDefaultAction "phase:2,log,deny,status:418"\nSecRule ARGS "@streq evil" "id:1,phase:1,block"',
    request: hit,
    hits: [1],
    ends: 'none',
  },
  {
    name: 'the transformations of a default come first, and t:none forgets them',
    rules: `SecDefaultAction "phase:1,pass,t:uppercase"
      SecRule ARGS:a "@streq EVIL" "id:1,phase:1"
      SecRule ARGS:a "@streq evil" "id:2,phase:1,t:none"`,
    request: hit,
    hits: [1, 2],
  },
  {
    name: 'allow skips all but the logging phase',
    rules: `SecAction "id:1,phase:1,allow"
      SecAction "id:2,phase:1,deny"
      SecAction "id:3,phase:2,deny"
      SecAction "id:4,phase:5,pass"`,
    hits: [1, 4],
    ends: 'allow 0',
  },
  {
    name: 'allow:phase skips the rest of one phase',
    rules: `SecAction "id:1,phase:1,allow:phase"
      SecAction "id:2,phase:1,deny"
      SecAction "id:3,phase:2,pass"`,
    hits: [1, 3],
    ends: 'none',
  },
  {
    name: 'allow:request goes on with the response',
    rules: `SecAction "id:1,phase:1,allow:request"
      SecAction "id:2,phase:2,deny"
      SecAction "id:3,phase:3,pass"`,
    request: { response: { status: 200 } },
    hits: [1, 3],
    ends: 'none',
  },
  {
    name: 'skip leaves out rules, a chain counting as one',
    rules: `SecAction "id:1,phase:1,pass,skip:2"
      SecRule ARGS "@rx ." "id:2,phase:1,pass,chain"
      SecRule ARGS "@rx ." "t:none"
      SecAction "id:3,phase:1,pass"
      SecAction "id:4,phase:1,pass"`,
    request: hit,
    hits: [1, 4],
  },
  {
    name: 'skipAfter goes on behind its marker',
    rules: `SecAction "id:1,phase:1,pass,skipAfter:END"
      SecAction "id:2,phase:1,pass"
      SecMarker END
      SecAction "id:3,phase:1,pass"`,
    hits: [1, 3],
  },
  {
    name: 'skipAfter without a marker skips to the end of the phase',
    rules: `SecAction "id:1,phase:1,pass,skipAfter:NOWHERE"
      SecAction "id:2,phase:1,deny"
      SecAction "id:3,phase:2,pass"`,
    hits: [1, 3],
    ends: 'none',
  },
  {
    name: 'skipAfter takes a rule id as marker',
    rules: `SecAction "id:1,phase:1,pass,skipAfter:2"
      SecAction "id:2,phase:1,pass"
      SecAction "id:3,phase:1,pass"`,
    hits: [1, 3],
  },
  {
    name: 'setvar sets, adds, subtracts and forgets',
    rules: `SecAction "id:1,phase:1,pass,setvar:tx.n=5,setvar:tx.n=+7,setvar:tx.n=-2,setvar:tx.flag,setvar:tx.gone=1,setvar:!tx.gone"
      SecRule TX:n "@eq 10" "id:2,phase:1,pass"
      SecRule TX:flag "@eq 1" "id:3,phase:1,pass"
      SecRule &TX:gone "@eq 0" "id:4,phase:1,pass"`,
    hits: [1, 2, 3, 4],
  },
  {
    name: 'setvar expands macros in name and value, whatever their case',
    rules: `SecRule ARGS:a "@streq evil" "id:1,phase:1,pass,setvar:'TX.seen_%{matched_var_name}=%{MATCHED_VAR}, %{args.B}'"
      SecRule TX:SEEN_ARGS:a "@streq evil, two" "id:2,phase:1,pass"`,
    request: hit,
    hits: [1, 2],
  },
  {
    name: 'setvar runs once for every value that matches',
    rules: `SecRule ARGS "@rx ." "id:1,phase:1,pass,setvar:tx.n=+1"
      SecRule TX:n "@eq 2" "id:2,phase:1,pass"`,
    request: hit,
    hits: [1, 2],
  },
  {
    name: 'capture keeps groups for the rules after',
    rules: `SecRule ARGS:a "@rx ^(e)(v)" "id:1,phase:1,pass,capture"
      SecRule TX:0 "@streq ev" "id:2,phase:1,pass"
      SecRule TX:2 "@streq v" "id:3,phase:1,pass"`,
    request: hit,
    hits: [1, 2, 3],
  },
  {
    name: 'a shorter capture forgets the groups of the one before',
    rules: `SecRule ARGS:a "@rx ^(e)(v)" "id:1,phase:1,pass,capture"
      SecRule ARGS:b "@rx ^(t)" "id:2,phase:1,pass,capture"
      SecRule &TX:2 "@eq 0" "id:3,phase:1,pass"`,
    request: hit,
    hits: [1, 2, 3],
  },
  {
    name: 'without capture nothing is kept',
    rules: 'SecRule ARGS:a "@rx ^(e)" "id:1,phase:1,pass"\nSecRule &TX "@eq 0" "id:2,phase:1,pass"',
    request: hit,
    hits: [1, 2],
  },
  {
    name: 'multiMatch judges every stage of the transformations',
    rules: `SecRule ARGS:x "@streq ABC" "id:1,phase:1,pass,t:lowercase,multiMatch"
      SecRule ARGS:x "@streq abc" "id:2,phase:1,pass,t:lowercase,multiMatch"
      SecRule ARGS:x "@streq ABC" "id:3,phase:1,pass,t:lowercase"`,
    request: { target: '/?x=ABC' },
    hits: [1, 2],
  },
  {
    name: 'ctl:ruleRemoveById takes ids and ranges',
    rules: `SecAction "id:1,phase:1,pass,ctl:ruleRemoveById=3-4"
      SecAction "id:2,phase:1,pass"
      SecAction "id:3,phase:1,pass"
      SecAction "id:4,phase:2,pass"
      SecAction "id:5,phase:2,pass"`,
    hits: [1, 2, 5],
  },
  {
    name: 'ctl:ruleRemoveByTag and ByMsg take patterns',
    rules: `SecAction "id:1,phase:1,pass,ctl:ruleRemoveByTag=^attack-,ctl:ruleRemoveByMsg='gone$'"
      SecAction "id:2,phase:1,pass,tag:attack-x"
      SecAction "id:3,phase:1,pass,msg:'long gone'"
      SecAction "id:4,phase:1,pass,tag:other"`,
    hits: [1, 4],
  },
  {
    name: 'ctl:ruleRemoveTargetById takes a target from a rule',
    rules: `SecAction "id:1,phase:1,pass,ctl:ruleRemoveTargetById=2;ARGS:a"
      SecRule ARGS "@streq evil" "id:2,phase:1,deny"
      SecRule ARGS "@streq evil" "id:3,phase:1,pass"`,
    request: hit,
    hits: [1, 3],
    ends: 'none',
  },
  {
    name: 'ctl:ruleRemoveTargetByTag takes a whole collection',
    rules: `SecAction "id:1,phase:1,pass,ctl:ruleRemoveTargetByTag=sqli;ARGS"
      SecRule ARGS|REQUEST_METHOD "@rx evil|GET" "id:2,phase:1,pass,tag:sqli,setvar:tx.n=+1"
      SecRule TX:n "@eq 1" "id:3,phase:1,pass"`,
    request: hit,
    hits: [1, 2, 3],
  },
  {
    name: 'ctl:ruleEngine=Off stops everything',
    rules: 'SecAction "id:1,phase:1,pass,ctl:ruleEngine=Off"\nSecAction "id:2,phase:1,deny"',
    hits: [1],
    ends: 'none',
  },
  {
    name: 'ctl:ruleEngine=DetectionOnly records and lets through',
    rules: 'SecAction "id:1,phase:1,pass,ctl:ruleEngine=DetectionOnly"\nSecAction "id:2,phase:1,deny"',
    hits: [1, 2],
    ends: 'none',
  },
  {
    name: 'ctl:requestBodyAccess=Off leaves the body alone',
    rules:
      'SecAction "id:1,phase:1,pass,ctl:requestBodyAccess=Off"\nSecRule ARGS "@rx ." "id:2,phase:2,pass"',
    request: form('a=1'),
    hits: [1],
  },
  {
    name: 'ctl:forceRequestBodyVariable gives REQUEST_BODY to any body',
    rules: `SecRule REQUEST_HEADERS:Content-Type "@streq text/plain" "id:1,phase:1,pass,ctl:forceRequestBodyVariable=On"
      SecRule REQUEST_BODY "@streq hello" "id:2,phase:2,pass"`,
    request: { method: 'POST', headers: [['Content-Type', 'text/plain']], body: 'hello' },
    hits: [1, 2],
  },
  {
    name: 'setenv shows in ENV',
    rules:
      'SecAction "id:1,phase:1,pass,setenv:who=%{REMOTE_ADDR}"\nSecRule ENV:who "@streq 192.0.2.7" "id:2,phase:1,pass"',
    hits: [1, 2],
  },
  {
    name: 'setuid opens a record of USER',
    rules: `SecAction "id:1,phase:1,pass,setuid:%{ARGS.a},setvar:user.n=+1"
      SecRule USERID "@streq evil" "id:2,phase:1,pass"
      SecRule USER:n "@eq 1" "id:3,phase:1,pass"`,
    request: hit,
    hits: [1, 2, 3],
  },
  {
    name: 'a chain matches when every link does',
    rules: `SecRule ARGS:a "@streq evil" "id:1,phase:1,deny,chain"
      SecRule ARGS:b "@streq two" "chain"
      SecRule REQUEST_METHOD "@streq GET"`,
    request: hit,
    hits: [1],
    ends: 'block 403',
  },
  {
    name: 'a chain with a failing link does not match',
    rules: `SecRule ARGS:a "@streq evil" "id:1,phase:1,deny,chain"
      SecRule ARGS:b "@streq three"`,
    request: hit,
    hits: [],
    ends: 'none',
  },
  {
    name: 'the effects of a link happen when that link matches',
    rules: `SecRule ARGS:a "@streq evil" "id:1,phase:1,deny,chain,setvar:tx.first=1"
      SecRule ARGS:b "@streq three" "setvar:tx.second=1"
      SecRule TX:first "@eq 1" "id:2,phase:1,pass"
      SecRule &TX:second "@eq 1" "id:3,phase:1,pass"`,
    request: hit,
    hits: [2],
  },
  {
    name: 'MATCHED_VARS gathers along a chain and ends with it',
    rules: `SecRule ARGS:a "@streq evil" "id:1,phase:1,pass,chain"
      SecRule ARGS:b "@streq two" "chain"
      SecRule &MATCHED_VARS "@eq 2" "chain"
      SecRule MATCHED_VARS_NAMES "@streq ARGS:b"
      SecRule &MATCHED_VARS "@eq 0" "id:2,phase:1,pass"`,
    request: hit,
    hits: [1, 2],
  },
  {
    name: 'a link sees what the link before it captured',
    rules: `SecRule ARGS:a "@rx ^(ev)" "id:1,phase:1,pass,capture,chain"
      SecRule ARGS:a "@contains %{TX.1}"`,
    request: hit,
    hits: [1],
  },
  {
    name: 'a negated operator matches what does not',
    rules: 'SecRule ARGS "!@streq evil" "id:1,phase:1,pass"',
    request: hit,
    hits: [1],
  },
  {
    name: 'a rule without @ is a pattern',
    rules: 'SecRule ARGS ^ev "id:1,phase:1,pass"\nSecRule ARGS !^(ev|two) "id:2,phase:1,pass"',
    request: hit,
    hits: [1],
  },
  {
    name: 'HIGHEST_SEVERITY is the gravest so far',
    rules: `SecAction "id:1,phase:1,pass,severity:WARNING"
      SecAction "id:2,phase:1,pass,severity:2"
      SecAction "id:3,phase:1,pass,severity:'NOTICE'"
      SecRule HIGHEST_SEVERITY "@eq 2" "id:4,phase:1,pass"`,
    hits: [1, 2, 3, 4],
  },
  {
    name: 'seclang phase 5 runs after a block and sees its status',
    rules: `SecAction "id:1,phase:1,deny,status:451"
      SecRule RESPONSE_STATUS "@eq 451" "id:2,phase:5,pass"`,
    hits: [1, 2],
    ends: 'block 451',
  },
]

runProfiles(profiles, 42)
