/** Cases of the ModSecurity suite that are not run, by file or by file and number, each with its reason. */
export const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ['offset-variable.json#13', 'its request line ends before the number of the version'],
  ['offset-variable.json#31', 'REQUEST_BODY of a multipart body: the manual limits it to URLENCODED'],
  ['offset-variable.json#32', 'REQUEST_BODY of a multipart body: the manual limits it to URLENCODED'],
  ['variable-GEO.json#4', 'MMDB files have no three-letter codes'],
  ['variable-GEO.json#7', 'MMDB files have no area codes'],
  ['variable-GEO.json#10', 'the name of a region: the manual says its two characters'],
  ['variable-GEO.json#16', 'the name of a continent: the manual says its two characters'],
  ['operator-ipMatchFromFile.json#3', 'rule data is not fetched from the network'],
  ['issue-2427.json', 'Lua (@inspectFile) is not run'],
  ...[1, 2, 3, 4, 5].map((n): [string, string] => [
    `request-body-parser-xml.json#${n}`,
    'external entities and schemas that the XML names are not loaded',
  ]),
  ...[2, 3].map((n): [string, string] => [
    `action-ctl_request_body_access.json#${n}`,
    'REQUEST_BODY of a multipart body: the manual limits it to URLENCODED',
  ]),
  ['variable-REQUEST_BODY.json', 'REQUEST_BODY of a multipart body: the manual limits it to URLENCODED'],
  ['variable-FULL_REQUEST_LENGTH.json', 'the manual counts the request line, libmodsecurity does not'],
  ['action-ctl_request_body_processor.json#1', 'asks for a debug line of libxml2'],
  ['actions.json#3', 'status 306 is no redirect'],
  ['config-body_limits.json#1', 'limits on held bodies are applied by the gateway, which holds them'],
  ['config-body_limits.json#3', 'limits on held bodies are applied by the gateway, which holds them'],
  ['config-secdefaultaction.json#6', 'a second SecDefaultAction replaces the first, as in the manual'],
  ['config-update-action-by-id.json#4', 'rules inherit a disruptive default, as in the manual'],
  ['issue-1831.json#1', 'a quote is never closed'],
  ['issue-1831.json#2', 'a quote is never closed'],
  ['rule-920200.json', 'a quote is never closed'],
  ['variable-UNIQUE_ID.json', 'our request ids are UUIDs'],
])

/** Debug lines of libmodsecurity, and what says the same in the log that the test writes. */
export const REWORDED: ReadonlyMap<string, string> = new Map([
  ['Executing operator "RxGlobal', 'Executing operator "rxGlobal'],
  ['Executing unconditional rule', 'Rule 0 matched'],
  ['\\(Rule: 960032\\) .* Rule returned 0.', '\\(Rule: 960032\\).*Rule returned 0'],
  ['XML: Failed parsing document.', 'XML: '],
  ['Request body excluding files is bigger than the maximum expected.', 'excluding files is bigger than'],
  [
    'Multipart: Boundary: --------------------------756b6d74fa1a8ee2',
    'Target value: "POST .*756b6d74fa1a8ee2',
  ],
  ['Rule engine disabled, returning...', '^(?!.*Rule \\d+ matched)'],
  [
    "Skipped rule id 'action-allow.json:3' as request trough the utilization of an `allow' action",
    '^(?!.*Rule 500066 matched)',
  ],
  ["Skipped rule id '200005'", '^(?!.*Rule 200005 matched)'],
  ['Running action: log', 'Rule 200005 matched'],
  ['Dropping the evaluation of upcoming rules in favor of', '^(?!.*Rule 200005 matched)'],
  [' Running action deny', 'Rule 900001 matched'],
  ['Request was relevant to be saved.', 'Rule 1 matched'],
  // Names of variables hold no storage key of their record here.
  [
    'Target value: "123" \\(Variable: RESOURCE:whee::::test\\)',
    'Target value: "123" \\(Variable: RESOURCE:test\\)',
  ],
  ['RESOURCE:whee::webappid::test', 'Target value: "123" \\(Variable: RESOURCE:test\\)'],
  ['json.key1.key2.key3.key4.key5', 'Argument json.key1.key2.key3.key4.key5'],
])
