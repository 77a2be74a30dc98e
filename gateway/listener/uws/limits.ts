/** What uWebSockets.js 20.30 cannot deliver. Measured by the self-test and the conformance suite. */
export const UWS_LIMITS: readonly string[] = [
  'header names arrive in lower case',
  'bytes over 0x7F at either end of a header value, and all fields behind one with an empty name, are lost unseen',
  'a request target or header value with bytes that are not UTF-8 is answered with 400 before any rule runs',
  'no reply, and the connection idles out or is closed: HTTP/1.0, 49 or more fields, `_` in a field name, methods outside ' +
    'the nine of RFC 9110 and 5789, absolute-form, `OPTIONS *`, no Host, chunk extensions, heads over 4 KiB in several packets, ' +
    'and whatever its parser rejects',
  'the two bytes behind each chunk of a body are not checked',
  'connections that end without a request are not counted by this build',
  'a client that pipelines a request behind one in work loses its connection',
  '`100 Continue` is sent before the rules run',
  'no 103, no trailers in either direction, no other upgrade than WebSocket',
  'the head of a streamed response leaves with its first body bytes, and carries the Date of this machine',
  'a request body that is refused is read to its end and thrown away',
  'a client that goes away while its body is paused is noticed late',
  'a body that comes slowly is waited for, however slowly it comes',
  'timeouts for heads, bodies, writing and idle connections are 10 s, whatever is configured',
  'the port of the client is not known',
  'a WebSocket client cannot be slowed down: messages are bounded by size only; ping and pong stay on this side',
  'no TLS and no HTTP/2',
]
