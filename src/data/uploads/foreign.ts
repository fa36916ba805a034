/** Files of other formats: what each is called, and what to send instead. */

/** Bytes of a file that are enough to tell: a line of text with the names of MNIST’s 785 columns has almost 6,000. */
export const mostOfABeginning = 8192

const asNpy =
  'send all images as one .npy: np.save("images.npy", np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]))'
const pictures = (what: string) => `${what}, a picture of its own: ${asNpy}`
const unpack = (what: string, how: string) => `compressed by ${what}: unpack it (${how}), or use gzip`

type Kind = {
  /** Hexadecimal, at the beginning, or at `at`. */
  magic: string
  at?: number
  /** What it is and what would be right, as the object of "is". */
  what: (start: Buffer, name: string) => string
}

const kinds: Kind[] = [
  { magic: '504b0304', what: zip },
  { magic: '504b0506', what: () => 'a zip archive with nothing in it' },
  { magic: '89504e470d0a1a0a', what: () => pictures('a PNG') },
  { magic: 'ffd8ff', what: () => pictures('a JPEG') },
  { magic: '47494638', what: () => pictures('a GIF') },
  { magic: '49492a00', what: () => pictures('a TIFF') },
  { magic: '4d4d002a', what: () => pictures('a TIFF') },
  { magic: '57454250', at: 8, what: () => pictures('a WebP') },
  { magic: '66747970', at: 4, what: () => pictures('a HEIC, AVIF or MP4') },
  {
    magic: '894844460d0a1a0a',
    what: (_, name) =>
      `HDF5: np.save("images.npy", h5py.File(${quoted(name)})["…"][:]), and the labels likewise`,
  },
  { magic: '4d41544c41422037', what: (_, name) => matlab(name, 'h5py.File') },
  { magic: '4d41544c414220', what: (_, name) => matlab(name, 'scipy.io.loadmat') },
  { magic: '50415231', what: (_, name) => columns('Parquet', `pd.read_parquet(${quoted(name)})`) },
  { magic: '4152524f5731', what: (_, name) => columns('Arrow', `pd.read_feather(${quoted(name)})`) },
  {
    magic: '7573746172',
    at: 257,
    what: tar,
  },
  { magic: '1f8b', what: () => 'gzipped twice: unpack it once (gunzip)' },
  { magic: '1f9d', what: () => unpack('compress', 'uncompress') },
  { magic: 'fd377a585a00', what: () => unpack('xz', 'unxz') },
  { magic: '425a68', what: () => unpack('bzip2', 'bunzip2') },
  { magic: '28b52ffd', what: () => unpack('zstd', 'unzstd') },
  { magic: '04224d18', what: () => unpack('lz4', 'unlz4') },
  { magic: '377abcaf271c', what: () => '7-Zip: unpack it (7z x), and send the files in it' },
  { magic: '526172211a07', what: () => 'a RAR archive: unpack it (unrar x), and send the files in it' },
  // The length of a header of less than 4 GiB, and its first bytes.
  {
    magic: '000000007b22',
    at: 4,
    what: (_, name) => tensors('safetensors', `load_file(${quoted(name)})["…"]`),
  },
]

/**
 * What a file is, by how it begins, and what to send instead; undefined where it is none of those that are known here.
 * Nothing that begins with a byte below 10 is among them but pictures and safetensors, so no record of CIFAR's is.
 */
export function foreignFormat(start: Buffer, name: string): string | undefined {
  for (const { magic, at = 0, what } of kinds)
    if (start.toString('hex', at, at + magic.length / 2) === magic) return what(start, name)
  // A pickle of protocol 2 and above says which; older ones are text.
  const older = /^(\((dp|lp)\d+\n|\(?c[A-Za-z_.]+\n[A-Za-z_]+\n)/
  if ((start[0] === 0x80 && start[1] >= 2 && start[1] <= 5) || older.test(ascii(start)))
    return pickle(start, name)
  return text(start, name)
}

function zip(start: Buffer, name: string): string {
  const first = start.toString('latin1', 30, 30 + start.readUInt16LE(26))
  if (first.endsWith('.npy'))
    return `a .npz, an archive of arrays: send it as npz (curl -F npz=@…), with images and labels in it`
  if (/(^|\/)data\.pkl$/.test(first)) return torch(name)
  return 'a zip archive: unpack it, and send the files in it'
}

function tar(start: Buffer): string {
  // A header of 512 bytes begins each entry; those of pax only say more about the next.
  const names: string[] = []
  for (let at = 0; at < start.length; at += 512)
    if (start.toString('latin1', at + 257, at + 262) === 'ustar')
      names.push(start.toString('latin1', at, at + 100).replace(/\0.*$/s, ''))
  const first = (names.find(name => !/pax_?header/i.test(name)) ?? names[0]).replaceAll(/[^ -~]/g, '?')
  const unpacked = `a tar archive of ${first} …: unpack it (tar xf), and send the files in it`
  if (/^cifar-100/.test(first))
    return `${unpacked}; those of CIFAR-100’s binary version, train.bin as train and test.bin as test, with cifar100=fine or cifar100=coarse before them`
  if (/^cifar-10-batches-py/.test(first))
    return `${unpacked}. It is CIFAR-10’s Python version: the files of the binary version can be sent as they are`
  if (/^cifar-10/.test(first))
    return `${unpacked}: data_batch_1.bin to data_batch_5.bin as train, test_batch.bin as test`
  return unpacked
}

function pickle(start: Buffer, name: string): string {
  // torch.save before it wrote zip archives: a pickled magic number first.
  if (start.toString('hex', 2, 14) === '8a0a6cfc9c46f9206aa85019') return torch(name)
  return (
    'a pickle of Python, which is never opened here. CIFAR’s Python version is made of such: send the .bin files of its ' +
    `binary version as train and test, or what is in it as .npy: d = pickle.load(open(${quoted(name)}, "rb"), encoding="bytes"); ` +
    'np.save("images.npy", d[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)); np.save("labels.npy", d[b"labels"]) ' +
    '(for CIFAR-100 d[b"fine_labels"])'
  )
}

const torch = (name: string) => tensors('a file of PyTorch', `torch.load(${quoted(name)})`)
const tensors = (what: string, loaded: string) =>
  `${what}: np.save("images.npy", ${loaded}.numpy()), and the labels likewise`
const matlab = (name: string, reader: string) =>
  `a .mat of MATLAB: np.save("images.npy", ${reader}(${quoted(name)})["…"]), and the labels likewise`
const columns = (what: string, loaded: string) =>
  `${what}: t = ${loaded}; np.save("labels.npy", t["label"]), and the images as one array of uint8 (n, height, width) or (n, height, width, channels)`

/** A file of text: printable in the whole of its beginning. */
function text(start: Buffer, name: string): string | undefined {
  if (start.length < 4 || start.some(byte => byte < 32 && ![9, 10, 12, 13].includes(byte))) return undefined
  if (start[0] < 32 || start.toString('utf8', 0, start.length - 3).includes('\ufffd')) return undefined
  const begins = ascii(start)
  if (begins.startsWith('version https://git-lfs'))
    return 'a pointer of Git LFS, not the file itself: git lfs pull fetches it'
  if (/^\s*<(!doctype|html|\?xml)/i.test(begins))
    return 'a page of HTML or XML, as a failed download leaves behind: look into it, and fetch the file again'
  return `text, which begins with ${JSON.stringify(begins.slice(0, 30))}${table(begins, name)}`
}

/** How numpy reads text that looks like a table: labels alone, or a label and the values of an image a line. */
function table(begins: string, name: string): string {
  const [line, second = ''] = begins.split(/\r?\n/, 2)
  const delimiter = [',', ';', '\t', ' '].find(one => second.includes(one) || line.includes(one))
  const columns = delimiter === undefined ? 1 : line.split(delimiter).length
  const named = /[A-Za-z]/.test(line) ? ', skiprows=1' : ''
  if (/[A-Za-z]/.test(second)) return ''
  if (columns === 1)
    return `: np.save("labels.npy", np.loadtxt(${quoted(name)}, dtype="int64"${named})) makes labels of a number a line`
  const side = Math.sqrt(columns - 1)
  const shape = Number.isInteger(side) ? `${side}, ${side}` : 'height, width'
  return (
    `: a = np.loadtxt(${quoted(name)}, delimiter=${JSON.stringify(delimiter)}${named}); np.save("labels.npy", a[:, 0].astype("int64")); ` +
    `np.save("images.npy", a[:, 1:].reshape(len(a), ${shape}).astype("uint8")), where each line is a label and values from 0 to 255`
  )
}

const ascii = (start: Buffer) => start.toString('latin1')
/** A name as Python’s string literal. */
const quoted = (name: string) => JSON.stringify(name)
