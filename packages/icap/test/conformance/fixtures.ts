/** Literal bytes of real clients, as captured on loopback (hosts and dates as they were). CRLF ends each line. */

const crlf = (text: string): string => text.replace(/^\n/, '').replaceAll('\n', '\r\n')

export const SQUID_OPTIONS = crlf(`
OPTIONS icap://127.0.0.1:21350/req ICAP/1.0
Host: 127.0.0.1:21350
Allow: 206, trailers

`)

export const SQUID_GET = crlf(`
REQMOD icap://127.0.0.1:21350/req ICAP/1.0
Host: 127.0.0.1:21350
Date: Tue, 24 Nov 2026 20:33:39 GMT
Encapsulated: req-hdr=0, null-body=106
Preview: 0
Allow: 204, trailers
X-Client-IP: 127.0.0.1

GET http://127.0.0.1:28080/hello HTTP/1.1
User-Agent: curl/7.88.1
Accept: */*
Host: 127.0.0.1:28080

`)

/** Preview = body size, ieof. */
export const SQUID_POST_IEOF = crlf(`
REQMOD icap://127.0.0.1:21350/req ICAP/1.0
Host: 127.0.0.1:21350
Date: Tue, 24 Nov 2026 20:34:06 GMT
Encapsulated: req-hdr=0, req-body=174
Preview: 7
Allow: 204, 206, trailers
X-Client-IP: 127.0.0.1

POST http://127.0.0.1:28080/post HTTP/1.1
User-Agent: curl/7.88.1
Accept: */*
Content-Length: 7
Content-Type: application/x-www-form-urlencoded
Host: 127.0.0.1:28080

7
a=1&b=2
0; ieof

`)

/** The preview of a 5 000-byte upload; SQUID_POST_5000_REST follows 100 Continue. */
export const SQUID_POST_5000 = `${crlf(`
REQMOD icap://127.0.0.1:21350/req ICAP/1.0
Host: 127.0.0.1:21350
Date: Tue, 24 Nov 2026 20:34:06 GMT
Encapsulated: req-hdr=0, req-body=177
Preview: 1024
Allow: 204, 206, trailers
X-Client-IP: 127.0.0.1

POST http://127.0.0.1:28080/post HTTP/1.1
User-Agent: curl/7.88.1
Accept: */*
Content-Length: 5000
Content-Type: application/x-www-form-urlencoded
Host: 127.0.0.1:28080

`)}400\r\n${'p'.repeat(1024)}\r\n0\r\n\r\n`
export const SQUID_POST_5000_REST = `f88\r\n${'r'.repeat(3976)}\r\n0\r\n\r\n`

export const SQUID_RESPMOD_PREVIEW = `${crlf(`
RESPMOD icap://127.0.0.1:21350/resp?arg=1&x=y ICAP/1.0
Host: 127.0.0.1:21350
Date: Tue, 24 Nov 2026 20:35:06 GMT
Encapsulated: req-hdr=0, res-hdr=119, res-body=237
Preview: 1024
Allow: 204, 206, trailers
X-Client-IP: 127.0.0.1

GET http://127.0.0.1:28080/t/r-noprevfull/mid HTTP/1.1
User-Agent: curl/7.88.1
Accept: */*
Host: 127.0.0.1:28080

HTTP/1.1 200 OK
Content-Type: application/octet-stream
Content-Length: 5000
Date: Tue, 24 Nov 2026 20:35:06 GMT

`)}400\r\n${'p'.repeat(1024)}\r\n0\r\n\r\n`

/** The answer to HEAD: no chunk follows, though Preview is there and the head has a Content-Length. */
export const SQUID_HEAD = crlf(`
RESPMOD icap://127.0.0.1:21350/resp ICAP/1.0
Host: 127.0.0.1:21350
Date: Tue, 24 Nov 2026 20:35:06 GMT
Encapsulated: req-hdr=0, res-hdr=107, null-body=172
Preview: 0
Allow: 204, trailers
X-Client-IP: 127.0.0.1

HEAD http://127.0.0.1:28080/hello HTTP/1.1
User-Agent: curl/7.88.1
Accept: */*
Host: 127.0.0.1:28080

HTTP/1.1 200 OK
Content-Type: text/plain
Content-Length: 20

`)

export const SQUID_CONNECT = crlf(`
REQMOD icap://127.0.0.1:21350/req ICAP/1.0
Host: 127.0.0.1:21350
Encapsulated: req-hdr=0, null-body=84
Preview: 0
Allow: 204, trailers

CONNECT 127.0.0.1:28080 HTTP/1.1
User-Agent: curl/7.88.1
Host: 127.0.0.1:28080

`)

export const CICAP_OPTIONS = crlf(`
OPTIONS icap://127.0.0.1/echo ICAP/1.0
Host: 127.0.0.1
User-Agent: C-ICAP-Client-Library/0.5.10
Encapsulated: null-body=0

`)

/** The file ends with LF: hence 0x17 bytes. */
export const CICAP_RESPMOD = `${crlf(`
RESPMOD icap://127.0.0.1/echo ICAP/1.0
Host: 127.0.0.1
User-Agent: C-ICAP-Client-Library/0.5.10
Allow: 204
Preview: 23
Encapsulated: res-hdr=0, res-body=112

HTTP/1.0 200 OK
Date: Tue Nov 24 20:30:40 2026
Last-Modified: Tue Nov 24 20:30:40 2026
Content-Length: 23

17
`)}hello world small file\n\r\n0; ieof\r\n\r\n`

/** `-206 -w 100 -req -f`: two Allow lines, Content-Length twice, a GET with a body. */
export const CICAP_REQMOD_206 = crlf(`
REQMOD icap://127.0.0.1/echo ICAP/1.0
Host: 127.0.0.1
User-Agent: C-ICAP-Client-Library/0.5.10
Allow: 204, 206
Allow: 206
Preview: 100
Encapsulated: req-hdr=0, req-body=@

GET http://example.com/up HTTP/1.0
Content-Length: 11
Content-Length: 11

b
hello world
0; ieof

`).replace('@', String('GET http://example.com/up HTTP/1.0\r\nContent-Length: 11\r\nContent-Length: 11\r\n\r\n'.length))

export const RSPAMD_OPTIONS = crlf(`
OPTIONS icap://127.0.0.1:1344/respmod ICAP/1.0
Host: 127.0.0.1
User-Agent: Rspamd
Connection: keep-alive
Encapsulated: null-body=0

`)

/** No preview, one chunk. */
export const RSPAMD_RESPMOD = crlf(`
RESPMOD icap://127.0.0.1:1344/respmod ICAP/1.0
Host: 127.0.0.1
Allow: 204
Encapsulated: res-hdr=0, res-body=44

HTTP/1.1 200 OK
Content-Length: 000000005

5
hello
0

`).replace('res-body=44', `res-body=${'HTTP/1.1 200 OK\r\nContent-Length: 000000005\r\n\r\n'.length}`)

export const G3_OPTIONS = crlf(`
OPTIONS icap://127.0.0.1:1344/reqmod ICAP/1.0
Host: 127.0.0.1:1344
Allow: 204, 206

`)

export const PROXYSG_GET = crlf(`
REQMOD icap://10.10.1.1/reqmod ICAP/1.0
Host: 10.10.1.1
X-Scan-Progress-Interval: 10
X-Client-IP: 10.10.1.50
X-Server-IP: 192.0.2.7
X-Authenticated-User: V2luTlQ6Ly9NWURPTUFJTi91c2VyMQ==
Encapsulated: req-hdr=0, null-body=@

GET http://www.example.com/ HTTP/1.1
Host: www.example.com

`).replace('@', String('GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n'.length))

/** Complete messages: one request, one final answer, without a 100 between. */
export const COMPLETE = {
  SQUID_OPTIONS,
  SQUID_GET,
  SQUID_POST_IEOF,
  SQUID_HEAD,
  SQUID_CONNECT,
  CICAP_OPTIONS,
  CICAP_RESPMOD,
  CICAP_REQMOD_206,
  RSPAMD_OPTIONS,
  RSPAMD_RESPMOD,
  G3_OPTIONS,
  PROXYSG_GET,
} as const
