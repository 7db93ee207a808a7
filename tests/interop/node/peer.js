// One end of SMPP sessions by node's smpp package, driven by lines of JSON: commands in, answers and events out.
//
//   node peer.js client PORT      connects, then says {"event": "ready"}
//   node peer.js server           listens, then says {"event": "ready", "port": N}
//
// {"id": 1, "command": "submit_sm", "options": {...}}  sends a request and answers {"id": 1, "pdu": <the response>}
// {"id": 2, "hold": 10}                                server: answers submit_sm in batches of 10, last one first
// Octets are {"hex": "..."} both ways. The process ends with its standard input, and after a minute at the latest.
'use strict';

const readline = require('readline');
const smpp = require('smpp');

const LIFE_MS = 60000;
const REFUSED_DESTINATION = '447700900999';
const REFUSED_SYSTEM_ID = 'stranger';

setTimeout(() => process.exit(3), LIFE_MS);
smpp.addTLV('pe_id', { id: 0x1400, type: smpp.types.tlv.buffer });

const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');
const [role, port] = process.argv.slice(2);
let session = null;
let messageNumber = 0;
let hold = 1;
const held = [];

function readable(value) {
  if (Buffer.isBuffer(value)) return { hex: value.toString('hex') };
  if (Array.isArray(value)) return value.map(readable);
  if (value instanceof Date) return value.toISOString();
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
  }
  return value;
}

function writable(value) {
  if (Array.isArray(value)) return value.map(writable);
  if (value && typeof value === 'object') {
    if ('hex' in value) return Buffer.from(value.hex, 'hex');
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, writable(inner)]));
  }
  return value;
}

function serve(peer) {
  session = peer;
  peer.on('error', (error) => say({ event: 'error', text: error.message }));
  peer.on('close', () => say({ event: 'closed' }));
  peer.on('pdu', (pdu) => {
    if (pdu.isResponse()) return;
    say({ event: 'request', pdu: readable(pdu) });
    answer(peer, pdu);
  });
}

function answer(peer, pdu) {
  switch (pdu.command) {
    case 'submit_sm':
      held.push(submitResponse(pdu));
      if (held.length >= hold) {
        held.reverse().splice(0).forEach((response) => peer.send(response));
      }
      break;
    case 'unbind':
      peer.send(pdu.response());
      peer.close();
      break;
    case 'bind_transmitter':
    case 'bind_receiver':
    case 'bind_transceiver':
      peer.send(pdu.response(pdu.system_id === REFUSED_SYSTEM_ID
        ? { command_status: smpp.ESME_RBINDFAIL }
        : { system_id: 'node', sc_interface_version: 0x34 }));
      break;
    default:
      peer.send(pdu.response());
  }
}

function submitResponse(pdu) {
  if (pdu.destination_addr === REFUSED_DESTINATION) {
    return pdu.response({ command_status: smpp.ESME_RINVDSTADR });
  }
  messageNumber += 1;
  return pdu.response({ message_id: String(messageNumber) });
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line);
  if ('hold' in order) {
    hold = order.hold;
    say({ id: order.id });
    return;
  }
  session[order.command](writable(order.options || {}), (pdu) => say({ id: order.id, pdu: readable(pdu) }));
}).on('close', () => process.exit(0));

if (role === 'server') {
  const server = smpp.createServer({}, serve);
  server.listen(0, '127.0.0.1', () => say({ event: 'ready', port: server.address().port }));
} else {
  serve(smpp.connect({ host: '127.0.0.1', port: Number(port) }, () => say({ event: 'ready' })));
}
