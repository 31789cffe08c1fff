/** What a client sees of an answer to REQMOD or RESPMOD. */
export interface SeenAnswer {
  readonly status: number
  /** An ICAP header, unfolded; undefined where there is none. */
  header(name: string): string | undefined
  /** The encapsulated head that came back, as text; '' without one. */
  readonly httpHead: string
  readonly section: 'req-hdr' | 'res-hdr' | undefined
  readonly hasBody: boolean
}

/** `passes`: the message goes on and nothing was said of it; `error`: the client's own fail-open or fail-closed decides. */
export type Conclusion = 'infected' | 'blocked' | 'clean' | 'passes' | 'error'

export interface ClientConclusion {
  readonly client: string
  readonly conclusion: Conclusion
  readonly because: string
}

type Judged = Omit<ClientConclusion, 'client'>

/** Each client by its own literal rule; the source of the rule stands above it. */
const CLIENTS: readonly { readonly client: string; readonly judge: (answer: SeenAnswer) => Judged }[] = [
  // squid/src/adaptation/icap/ModXact.cc: 100, 200, 201, 204 and 206 mean something, all else is ERR_ICAP_FAILURE.
  {
    client: 'Squid',
    judge: (answer) => proxy(answer, [200, 201, 204, 206], 'ERR_ICAP_FAILURE, or bypass=on lets it pass'),
  },
  // Broadcom KB 169182: an ICAP error is met by fail_open or fail_closed, whatever it was meant to say.
  {
    client: 'ProxySG',
    judge: (answer) =>
      named(proxy(answer, [200, 204], 'fail_closed blocks (default), fail_open lets it pass'), answer, 'X-Virus-ID'),
  },
  // FortiOS: response-failure error|bypass; its log has 64 characters for the virus and 96 for the infection.
  {
    client: 'FortiGate',
    judge: (answer) =>
      named(proxy(answer, [200, 204], 'response-failure: error or bypass'), answer, 'X-Infection-Found'),
  },
  // F5 ID545985: a 2xx other than 200 and 204 is an error.
  { client: 'F5', judge: (answer) => proxy(answer, [200, 204], 'its action for a service that is down') },
  { client: 'Nextcloud', judge: nextcloud },
  { client: 'ownCloud', judge: ownCloud },
  { client: 'rspamd', judge: rspamd },
  { client: 'Kernun', judge: kernun },
  { client: 'McAfee/Skyhigh scripts', judge: mcafee },
  { client: 'OPSWAT clients', judge: opswat },
  { client: 'c-icap-client', judge: cIcapClient },
]

/** What each known client would make of an answer; pure. */
export function conclusions(answer: SeenAnswer): readonly ClientConclusion[] {
  return CLIENTS.map(({ client, judge }) => ({ client, ...judge(answer) }))
}

function httpStatus({ httpHead, section }: SeenAnswer): number {
  return section === 'res-hdr' ? Number(/^HTTP\/\d\.\d (\d{3})/.exec(httpHead)?.[1] ?? 0) : 0
}

/** RFC 3507: the user gets what came back; headers do not count. */
function proxy(answer: SeenAnswer, understood: readonly number[], failing: string): Judged {
  if (!understood.includes(answer.status)) return { conclusion: 'error', because: failing }
  if (answer.status === 204) return { conclusion: 'clean', because: '204: the original goes on' }
  const status = httpStatus(answer)
  if (status >= 400) return { conclusion: 'blocked', because: `the user gets the HTTP ${status}` }
  return { conclusion: 'passes', because: 'the message that came back goes on' }
}

function named(judged: Judged, answer: SeenAnswer, header: string): Judged {
  const value = answer.header(header)
  return value === undefined ? judged : { ...judged, because: `${judged.because}, its log has ${header}` }
}

/** nextcloud/files_antivirus lib/Scanner/ICAP.php; the header is a setting, and these are the ones its admin page offers. */
function nextcloud(answer: SeenAnswer): Judged {
  if (answer.status !== 200 && answer.status !== 204)
    return { conclusion: 'error', because: 'Invalid response from ICAP server' }
  const header = ['X-Infection-Found', 'X-Virus-ID', 'X-Virus-Name'].find((name) => (answer.header(name) ?? '') !== '')
  if (isForbidden(answer)) return { conclusion: 'infected', because: 'HTTP 403 in the answer, whatever header is set' }
  if (header !== undefined) return { conclusion: 'infected', because: `${header}, if that is the header it is set to` }
  return cleanWhateverCame(answer)
}

/** owncloud/files_antivirus lib/Scanner/ICAPResponseAnalyser.php; McAfee 11 has its headers in the HTTP head. */
function ownCloud(answer: SeenAnswer): Judged {
  if (![100, 200, 204].includes(answer.status)) return { conclusion: 'error', because: 'not 100, 200 or 204' }
  const names = ['X-Infection-Found', 'X-Virus-ID', 'X-Virus-Name']
  const header = names.find(
    (name) => (answer.header(name) ?? '') !== '' || new RegExp(`^${name}: .`, 'm').test(answer.httpHead),
  )
  if (header !== undefined) return { conclusion: 'infected', because: `${header}, if that is the header it is set to` }
  if (isForbidden(answer)) return { conclusion: 'infected', because: 'HTTP 403 in the answer' }
  return cleanWhateverCame(answer)
}

function isForbidden({ httpHead, section }: SeenAnswer): boolean {
  const [line = ''] = httpHead.split('\r\n', 1)
  return section === 'res-hdr' && /403 (?:Forbidden|VirusFound)/.test(line)
}

/** Both storage apps call a 200 without a header clean: what passed unscanned is stored as clean. */
function cleanWhateverCame({ status }: SeenAnswer): Judged {
  return {
    conclusion: 'clean',
    because: status === 204 ? '204' : '200 without such a header: it cannot tell unscanned from clean',
  }
}

const RSPAMD_INFECTION = /^Type=.{0,100}; Resolution=.{0,100}; Threat=.{0,2000};$/

/** rspamd lualib/lua_scanners/icap.lua: headers in this order, up to the first empty line. */
function rspamd(answer: SeenAnswer): Judged {
  if (answer.status >= 400) return { conclusion: 'error', because: `ICAP ${answer.status}` }
  const infection = answer.header('X-Infection-Found')
  if (infection !== undefined) {
    const fits = RSPAMD_INFECTION.test(infection)
    return {
      conclusion: 'infected',
      because: fits ? 'X-Infection-Found' : 'X-Infection-Found, taken whole: it lacks the last ;',
    }
  }
  const id = answer.header('X-Virus-ID')
  if (id !== undefined && id !== 'no threats') return { conclusion: 'infected', because: 'X-Virus-ID' }
  const other = ['X-Virus-Name', 'X-Blocked'].find((name) => answer.header(name) !== undefined)
  if (other !== undefined) return { conclusion: 'infected', because: `${other} (newer versions)` }
  return { conclusion: 'clean', because: answer.status === 204 ? '204' : `${answer.status} without a virus header` }
}

/** Kernun ticket MAVP-758: a 200 with a body is a finding, header or not. */
function kernun({ status, hasBody }: SeenAnswer): Judged {
  if (status === 204) return { conclusion: 'clean', because: '204' }
  if (status !== 200) return { conclusion: 'error', because: `ICAP ${status}` }
  return hasBody
    ? { conclusion: 'infected', because: '200 with a body counts as positive: let it send Allow: 204' }
    : { conclusion: 'clean', because: '200 without a body' }
}

/** Public check scripts for McAfee Web Gateway: 204 clean, 200 blocked, X-Virus-Name infected. */
function mcafee(answer: SeenAnswer): Judged {
  if (answer.status === 204) return { conclusion: 'clean', because: '204' }
  if (answer.header('X-Virus-Name') !== undefined) return { conclusion: 'infected', because: 'X-Virus-Name' }
  if (answer.status === 200) return { conclusion: 'blocked', because: 'any 200' }
  return { conclusion: 'error', because: `ICAP ${answer.status}` }
}

/** opswat.com, knowledge base: the status alone says nothing; headers and what came back do. */
function opswat(answer: SeenAnswer): Judged {
  if (answer.status === 204) return { conclusion: 'clean', because: '204' }
  if (answer.status !== 200) return { conclusion: 'error', because: `ICAP ${answer.status}` }
  const info = answer.header('X-Response-Info')?.toLowerCase()
  const header = ['X-Blocked-Reason', 'X-Infection-Found', 'X-Violations-Found'].find(
    (name) => answer.header(name) !== undefined,
  )
  if (info === 'blocked') return { conclusion: 'blocked', because: 'X-Response-Info: Blocked' }
  if (header !== undefined) return { conclusion: 'blocked', because: header }
  if (httpStatus(answer) >= 400)
    return { conclusion: 'blocked', because: `the HTTP ${httpStatus(answer)} that came back` }
  return {
    conclusion: 'passes',
    because: info === 'allowed' ? 'X-Response-Info: Allowed' : '200 without a header of its own',
  }
}

/** c-icap-server utils/c-icap-client.c: it judges nothing, it writes what came back. */
function cIcapClient({ status, hasBody }: SeenAnswer): Judged {
  if (status === 204) return { conclusion: 'clean', because: '204: no modification needed' }
  if (status >= 300) return { conclusion: 'error', because: `ICAP ${status}` }
  return { conclusion: 'passes', because: hasBody ? 'it writes the body that came back' : 'no body came back' }
}
