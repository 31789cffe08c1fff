export type TypeFamily =
  | 'executable'
  | 'script'
  | 'document'
  | 'archive'
  | 'image'
  | 'audio'
  | 'video'
  | 'font'
  | 'text'
  | 'data'

/** What a body is by its bytes, whatever it is called. */
export interface TrueType {
  /** Short and stable: `pe`, `zip`, `ooxml`, `html`, `text`, `data`. */
  readonly name: string
  readonly mime: string
  readonly family: TypeFamily
  /** Can do harm when it is opened: never excluded by its declared type. What is unknown counts as active. */
  readonly active: boolean
  /** Holds other files that must be unpacked before anybody can call it clean. */
  readonly packed: boolean
}

const PASSIVE: readonly TypeFamily[] = ['image', 'audio', 'video', 'font', 'text']

/** name: mime; `*` in front = packed. */
const MIMES: { readonly [F in TypeFamily]: Readonly<Record<string, string>> } = {
  executable: {
    pe: 'application/vnd.microsoft.portable-executable',
    dos: 'application/x-dosexec',
    elf: 'application/x-elf',
    macho: 'application/x-mach-binary',
    class: 'application/java-vm',
    dex: 'application/vnd.android.dex',
    wasm: 'application/wasm',
    swf: 'application/x-shockwave-flash',
    lnk: 'application/x-ms-shortcut',
    '*msi': 'application/x-msi',
    '*crx': 'application/x-chrome-extension',
  },
  script: {
    html: 'text/html',
    hta: 'application/hta',
    svg: 'image/svg+xml',
    js: 'text/javascript',
    vbs: 'text/vbscript',
    ps1: 'text/x-powershell',
    bat: 'text/x-msdos-batch',
    sh: 'text/x-shellscript',
    py: 'text/x-python',
    perl: 'text/x-perl',
    php: 'text/x-php',
    wsf: 'text/x-wsf',
    vbe: 'text/x-vbe',
    url: 'application/x-url',
    reg: 'text/x-ms-regedit',
    inf: 'text/x-inf',
    iqy: 'text/x-ms-iqy',
  },
  document: {
    pdf: 'application/pdf',
    ole: 'application/x-ole-storage',
    rtf: 'application/rtf',
    onenote: 'application/onenote',
    chm: 'application/vnd.ms-htmlhelp',
    ps: 'application/postscript',
    djvu: 'image/vnd.djvu',
    '*ooxml': 'application/vnd.openxmlformats-officedocument',
    '*odf': 'application/vnd.oasis.opendocument',
    '*epub': 'application/epub+zip',
    '*eml': 'message/rfc822',
    '*mbox': 'application/mbox',
    '*form': 'multipart/form-data',
  },
  archive: {
    '*zip': 'application/zip',
    '*jar': 'application/java-archive',
    '*apk': 'application/vnd.android.package-archive',
    '*7z': 'application/x-7z-compressed',
    '*rar': 'application/vnd.rar',
    '*tar': 'application/x-tar',
    '*gz': 'application/gzip',
    '*bz2': 'application/x-bzip2',
    '*xz': 'application/x-xz',
    '*zst': 'application/zstd',
    '*lz4': 'application/x-lz4',
    '*lzip': 'application/x-lzip',
    '*lzma': 'application/x-lzma',
    '*szdd': 'application/x-ms-compress',
    '*compress': 'application/x-compress',
    '*cab': 'application/vnd.ms-cab-compressed',
    '*iso': 'application/x-iso9660-image',
    '*arj': 'application/x-arj',
    '*lha': 'application/x-lzh-compressed',
    '*ace': 'application/x-ace-compressed',
    '*ar': 'application/x-archive',
    '*rpm': 'application/x-rpm',
    '*cpio': 'application/x-cpio',
    '*xar': 'application/x-xar',
    '*dmg': 'application/x-apple-diskimage',
    '*wim': 'application/x-ms-wim',
    '*vhd': 'application/x-vhd',
    '*vhdx': 'application/x-vhdx',
    '*squashfs': 'application/x-squashfs',
    '*disk': 'application/x-raw-disk-image',
    '*qcow': 'application/x-qemu-disk',
    '*vmdk': 'application/x-vmdk',
    '*other-archive': 'application/x-archive-of-another-kind',
    '*egg': 'application/x-egg',
    '*alz': 'application/x-alz',
    '*tnef': 'application/vnd.ms-tnef',
  },
  image: {
    png: 'image/png',
    jpg: 'image/jpeg',
    gif: 'image/gif',
    bmp: 'image/bmp',
    webp: 'image/webp',
    tiff: 'image/tiff',
    ico: 'image/vnd.microsoft.icon',
    psd: 'image/vnd.adobe.photoshop',
    heic: 'image/heic',
    avif: 'image/avif',
    jxl: 'image/jxl',
    jp2: 'image/jp2',
    dds: 'image/vnd.ms-dds',
    icns: 'image/icns',
  },
  audio: {
    mp3: 'audio/mpeg',
    wav: 'audio/wav',
    flac: 'audio/flac',
    ogg: 'audio/ogg',
    m4a: 'audio/mp4',
    aac: 'audio/aac',
    amr: 'audio/amr',
    midi: 'audio/midi',
    aiff: 'audio/aiff',
    au: 'audio/basic',
  },
  video: {
    mp4: 'video/mp4',
    mov: 'video/quicktime',
    matroska: 'video/matroska',
    avi: 'video/x-msvideo',
    flv: 'video/x-flv',
    mpeg: 'video/mpeg',
    ts: 'video/mp2t',
    asf: 'video/x-ms-asf',
    ogv: 'video/ogg',
  },
  font: {
    ttf: 'font/ttf',
    otf: 'font/otf',
    ttc: 'font/collection',
    woff: 'font/woff',
    woff2: 'font/woff2',
    eot: 'application/vnd.ms-fontobject',
  },
  text: { text: 'text/plain', xml: 'application/xml', json: 'application/json', empty: 'application/x-empty' },
  data: { data: 'application/octet-stream' },
}

function* everyType(): Generator<TrueType> {
  for (const [family, mimes] of Object.entries(MIMES) as [TypeFamily, Record<string, string>][]) {
    for (const [key, mime] of Object.entries(mimes)) {
      const packed = key.startsWith('*')
      yield { name: packed ? key.slice(1) : key, mime, family, active: !PASSIVE.includes(family), packed }
    }
  }
}

const BY_NAME: ReadonlyMap<string, TrueType> = new Map([...everyType()].map((type) => [type.name, Object.freeze(type)]))

/** Throws on a name that is not in the table: a slip of ours. */
export function typeNamed(name: string): TrueType {
  const type = BY_NAME.get(name)
  if (type === undefined) throw new Error(`no true type is called ${name}`)
  return type
}

/** Every type's name, and every family's. */
export function typeNames(): ReadonlySet<string> {
  return new Set([...BY_NAME.keys(), ...Object.keys(MIMES)])
}
