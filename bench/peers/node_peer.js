// node's `smpp`: the same work as the other peers. Its sockets get TCP_NODELAY from here.
'use strict';
const smpp = require('smpp');

const SOURCE = 'INFO', DESTINATION = '919876543210';
const TEXT = 'Your code is 471199. Do not share it with anybody, whoever asks for it.';
const RECEIPT_ESM_CLASS = 4;
const receipt = (id) => `id:${id} sub:001 dlvrd:001 submit date:2601021530 done date:2601021531 ` +
  'stat:DELIVRD err:000 text:Your code is 471199.';

const submitFields = () => ({
  source_addr_ton: 5, source_addr: SOURCE, dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: DESTINATION,
  registered_delivery: 1, short_message: TEXT,
});

class Meter {
  constructor() {
    this.rss = process.memoryUsage().rss / 1024;
    this.cpu = process.cpuUsage();
    this.started = process.hrtime.bigint();
  }

  report(count) {
    const seconds = Number(process.hrtime.bigint() - this.started) / 1e9;
    const cpu = process.cpuUsage(this.cpu);
    console.log(JSON.stringify({
      rate: count / seconds,
      cpu_us: (cpu.user + cpu.system) / count,
      kib_per_1000: (process.memoryUsage().rss / 1024 - this.rss) / count * 1000,
    }));
  }
}

function client(load) {
  const session = smpp.connect({ url: `smpp://127.0.0.1:${load.port}` }, () => {
    session.socket.setNoDelay(true);
    session.bind_transceiver({ system_id: 'demo', password: 'secret' }, () => {
      const meter = new Meter();
      let sent = 0, answered = 0, received = 0;
      const check = () => {
        if (answered === load.count && (!load.receipts || received === load.count)) {
          meter.report(load.count);
          session.close();
          process.exit(0);
        }
      };
      const submit = () => {
        sent += 1;
        session.submit_sm(submitFields(), () => {
          answered += 1;
          if (sent < load.count) submit();
          check();
        });
      };
      session.on('deliver_sm', (pdu) => {
        received += 1;
        session.send(pdu.response());
        check();
      });
      for (let i = 0; i < Math.min(load.window, load.count); i += 1) submit();
    });
  });
}

function server(load) {
  let number = 0;
  const listening = smpp.createServer((session) => {
    session.socket.setNoDelay(true);
    let under_way = 0;
    const waiting = [];
    const deliver = () => {
      while (waiting.length && under_way < load.window) {
        under_way += 1;
        session.deliver_sm(waiting.shift(), () => { under_way -= 1; deliver(); });
      }
    };
    session.on('error', () => {});
    session.on('bind_transceiver', (pdu) => session.send(pdu.response()));
    session.on('unbind', (pdu) => session.send(pdu.response()));
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    session.on('submit_sm', (pdu) => {
      number += 1;
      const message_id = number.toString(16);
      session.send(pdu.response({ message_id }));
      if (load.receipts) {
        waiting.push({
          source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr, dest_addr_ton: 5,
          destination_addr: pdu.source_addr, esm_class: RECEIPT_ESM_CLASS, short_message: receipt(message_id),
        });
        deliver();
      }
    });
  });
  listening.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: listening.address().port })));
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}

function best(call) {
  let nanoseconds = Infinity;
  for (let slice = 0; slice < 9; slice += 1) {
    const count = 10000, started = process.hrtime.bigint();
    for (let i = 0; i < count; i += 1) call();
    nanoseconds = Math.min(nanoseconds, Number(process.hrtime.bigint() - started) / count);
  }
  return nanoseconds;
}

function codec() {
  const make = () => new smpp.PDU('submit_sm', submitFields()).toBuffer();
  const octets = make();
  const fields = Object.keys(new smpp.PDU(octets));
  let sink;
  const decodeAndRead = () => { const pdu = new smpp.PDU(octets); for (const field of fields) sink = pdu[field]; };
  console.log(JSON.stringify({ encode: best(make), decode: best(decodeAndRead), sink: sink === undefined ? 0 : 1 }));
}

const load = JSON.parse(process.argv[3]);
({ client, server, codec })[process.argv[2]](load);
