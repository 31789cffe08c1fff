import net from 'node:net'
import tls from 'node:tls'

export interface TlsKeys {
  readonly certPem: string
  readonly keyPem: string
  readonly passphrase: string
}

export interface ListenerPlan {
  /** Undefined: every address, v4 and v6. */
  readonly host: string | undefined
  /** Undefined: closed. */
  readonly icapPort: number | undefined
  readonly icaps: { readonly port: number; readonly keys: TlsKeys } | undefined
}

export interface Listeners {
  /** Opens what is new before it closes what is old; throws with nothing changed where a port cannot be opened. */
  apply(plan: ListenerPlan): Promise<void>
  /** `icap ADDRESS:PORT` of each open listener. */
  describe(): readonly string[]
  close(): void
}

export interface ListenerOptions {
  /** At once for each connection that the kernel hands over, before TLS. */
  onAccept?(): void
  onSocket(socket: net.Socket | tls.TLSSocket): void
  /** Protocol row T5-T7: a handshake that fails or stalls, plain text on the TLS port. */
  onTlsFault(address: string, text: string): void
  /** Protocol row T7: how long a TLS handshake may take. */
  readonly handshakeTimeoutMs?: number
}

const HANDSHAKE_TIMEOUT_MS = 10_000
/** A handshake holds a descriptor and no permit: more than these at once are closed, so that none can use up what others need. */
const MAX_HANDSHAKES = 512
const BACKLOG = 1024
// K7: a client may half-close after its request and still wants its answer.
const SOCKET = { allowHalfOpen: true, noDelay: true } as const

interface Open {
  readonly key: string
  readonly server: net.Server
}

/** The worker's ports. In a cluster the handle is the supervisor's, shared by all workers. */
export function createListeners(options: ListenerOptions): Listeners {
  let plain: Open | undefined
  let secure: (Open & { readonly server: tls.Server }) | undefined
  let keys: TlsKeys | undefined

  function plainServer(): net.Server {
    return net.createServer(SOCKET, (socket) => {
      options.onAccept?.()
      options.onSocket(socket)
    })
  }

  function tlsServer(material: TlsKeys): tls.Server {
    const handshakeTimeout = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS
    const server = tls.createServer({ ...SOCKET, ...contextOf(material), handshakeTimeout })
    limitHandshakes(server)
    server.on('connection', () => options.onAccept?.())
    server.on('secureConnection', options.onSocket)
    server.on('tlsClientError', (error, socket) => {
      // One that is gone has no address, and nobody to be told of.
      if (socket.remoteAddress !== undefined) options.onTlsFault(socket.remoteAddress, tlsFaultText(error))
      socket.destroy()
    })
    return server
  }

  async function openPlain(plan: ListenerPlan): Promise<Open | undefined> {
    if (plan.icapPort === undefined) return undefined
    const key = `${plan.host ?? '*'}:${plan.icapPort}`
    if (plain?.key === key) return plain
    return { key, server: await listen(plainServer(), plan.icapPort, plan.host) }
  }

  async function openSecure(plan: ListenerPlan): Promise<typeof secure> {
    if (plan.icaps === undefined) return undefined
    const key = `${plan.host ?? '*'}:${plan.icaps.port}`
    if (secure?.key === key) return secure
    return { key, server: await listen(tlsServer(plan.icaps.keys), plan.icaps.port, plan.host) }
  }

  return {
    async apply(plan) {
      // Keys that do not fit are found out before anything is opened.
      if (plan.icaps !== undefined) tls.createSecureContext(contextOf(plan.icaps.keys))
      const nextPlain = await openPlain(plan)
      let nextSecure: typeof secure
      try {
        nextSecure = await openSecure(plan)
      } catch (error) {
        if (nextPlain !== plain) nextPlain?.server.close()
        throw error
      }
      // T10: new connections get the new certificate, old ones live on.
      if (plan.icaps !== undefined && nextSecure === secure && !sameKeys(keys, plan.icaps.keys))
        nextSecure?.server.setSecureContext(contextOf(plan.icaps.keys))
      if (plain !== nextPlain) plain?.server.close()
      if (secure !== nextSecure) secure?.server.close()
      plain = nextPlain
      secure = nextSecure
      keys = plan.icaps?.keys
    },
    describe: () => [
      ...(plain === undefined ? [] : [`icap ${plain.key}`]),
      ...(secure === undefined ? [] : [`icaps ${secure.key}`]),
    ],
    close() {
      plain?.server.close()
      secure?.server.close()
      plain = undefined
      secure = undefined
    },
  }
}

/** Closes what is above the limit; those that wait are the open ones that have not become a TLS connection yet. */
function limitHandshakes(server: tls.Server): void {
  let open = 0
  let secure = 0
  server.on('connection', (socket: net.Socket) => {
    open++
    socket.once('close', () => open--)
    if (open - secure > MAX_HANDSHAKES) socket.destroy()
  })
  server.on('secureConnection', (socket) => {
    secure++
    socket.once('close', () => secure--)
  })
}

function contextOf(material: TlsKeys): tls.SecureContextOptions {
  // T3: 1.2 and 1.3; older ones are broken.
  return { cert: material.certPem, key: material.keyPem, passphrase: material.passphrase, minVersion: 'TLSv1.2' }
}

function sameKeys(a: TlsKeys | undefined, b: TlsKeys): boolean {
  return a?.certPem === b.certPem && a.keyPem === b.keyPem && a.passphrase === b.passphrase
}

function listen<S extends net.Server>(server: S, port: number, host: string | undefined): Promise<S> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, backlog: BACKLOG, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject)
      // An accept that fails (no descriptors left) must not end the process; the next one may do.
      server.on('error', () => {})
      resolve(server)
    })
  })
}

function tlsFaultText(error: Error & { code?: string }): string {
  if (
    error.code === 'ERR_SSL_HTTP_REQUEST' ||
    error.code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    /packet length|unknown protocol/.test(error.message)
  )
    return 'plain text on the TLS port'
  if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'TLS handshake timed out'
  return `TLS handshake failed: ${error.code ?? error.message}`
}
