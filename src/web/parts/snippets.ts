/** A spec as what asks for it: curl, Python, the command line. What is in it cannot end the quotes it stands in. */

type Spec = object

const json = (spec: Spec) => JSON.stringify(spec, null, 2)
/** Text within single quotes of a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

export const asCurl = (url: string, spec: Spec): string =>
  `curl -s ${quoted(`${url}/v1/experiments`)} -H 'content-type: application/json' -d ${quoted(json(spec))}`

export const asCli = (spec: Spec): string => `npx ledger submit - <<'SPEC'\n${json(spec)}\nSPEC`

/** JSON within a raw string would end at three quotes; as a string literal of JSON it is one of Python too. */
export const asPython = (url: string, spec: Spec): string => `import json, urllib.request

spec = json.loads(${JSON.stringify(JSON.stringify(spec))})
request = urllib.request.Request(${JSON.stringify(`${url}/v1/experiments`)}, json.dumps(spec).encode(), {"content-type": "application/json"})
experiment = json.load(urllib.request.urlopen(request))
print(experiment["id"])
`

/** The line that loads a tensor with numpy, from the file that was downloaded. */
export const asNumpy = (name: string): string =>
  `${name.split('/')[0].replaceAll(/\W|npy$/g, '')} = np.load(${JSON.stringify(name.replaceAll('/', '-'))}, mmap_mode="r")`
