// The child of the mixed calls in Node. mixed_child_test.go says what it does.
'use strict';

const crypto = require('node:crypto');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const sums = () => ({ messages: 0, bytes: 0, check: 0 });
const totals = { pid: process.pid, open: 0, calls: 0, received: sums(), sent: sums() };

class Tally {
  messages = 0;
  bytes = 0;
  digest = crypto.createHash('sha256');

  add(message) {
    const payload = message.payload ?? Buffer.alloc(0);
    this.messages += 1;
    this.bytes += payload.length;
    this.digest.update(payload);
    return message;
  }

  // end may be called once.
  end(into) {
    const digest = this.digest.digest('hex');
    into.messages += this.messages;
    into.bytes += this.bytes;
    into.check += Number.parseInt(digest.slice(0, 8), 16);
    return `${this.messages} ${this.bytes} ${digest}`;
  }
}

// Call is what the kinds of calls have in common.
class Call {
  received = new Tally();
  sent = new Tally();
  back = new grpc.Metadata();

  constructor(call) {
    this.call = call;
    for (const key of Object.keys(call.metadata.getMap())) {
      if (key.startsWith('x-')) call.metadata.get(key).forEach((value) => this.back.add(key, value));
    }
    call.sendMetadata(this.back.clone());
    totals.open += 1;
    this.gone = new Promise((resolve) => call.once('cancelled', resolve)).then(() => this.close());
  }

  asks(what) {
    return this.call.metadata.get('do')[0] === what;
  }

  close() {
    if (!this.closed) totals.open -= 1;
    this.closed = true;
  }

  async take(message) {
    this.received.add(message);
    if (this.asks('hang')) await this.gone;
    if (message.delayMs) await new Promise((resolve) => setTimeout(resolve, message.delayMs));
    if (message.failCode) {
      throw { code: message.failCode, details: message.payload.toString(), metadata: this.back };
    }
  }

  async give(message) {
    if (this.call.write(this.sent.add(message))) return;
    await Promise.race([this.gone, new Promise((resolve) => this.call.once('drain', resolve))]);
  }

  // trailer ends what is counted.
  trailer() {
    this.close();
    const counted = this.call.metadata.get('counted').length > 0;
    if (counted) totals.calls += 1;
    const trailer = this.back.clone();
    trailer.set('received', this.received.end(counted ? totals.received : sums()));
    trailer.set('sent', this.sent.end(counted ? totals.sent : sums()));
    return trailer;
  }
}

// single and stream make handlers of functions, by what they answer.
const single = (serve) => (given, callback) => {
  if (given.metadata.get('do')[0] === 'totals') return callback(null, { payload: Buffer.from(JSON.stringify(totals)) });
  const call = new Call(given);
  serve(call, given).then(
    (answer) => {
      call.sent.add(answer);
      callback(null, answer, call.trailer());
    },
    (error) => { call.close(); callback(error); },
  );
};

const stream = (serve) => (given) => {
  const call = new Call(given);
  serve(call, given).then(
    () => given.end(call.trailer()),
    (error) => { call.close(); given.emit('error', error); },
  );
};

// each reads the requests, until done says true.
function each(call, given, take) {
  return new Promise((resolve, reject) => {
    given.on('data', async (message) => {
      given.pause();
      try {
        if (await take(message)) return resolve();
      } catch (error) {
        return reject(error);
      }
      given.resume();
    });
    given.once('end', resolve);
    given.once('error', reject);
    call.gone.then(resolve);
  });
}

const echo = {
  Unary: single(async (call, given) => {
    await call.take(given.request);
    return given.request;
  }),
  Server: stream(async (call, given) => {
    await call.take(given.request);
    for (let i = 0; i < given.request.count && !call.closed; i++) {
      await call.give({ payload: given.request.payload });
    }
  }),
  Client: single(async (call, given) => {
    const payloads = [];
    await each(call, given, async (message) => {
      await call.take(message);
      payloads.push(message.payload);
      return call.asks('early');
    });
    return { payload: Buffer.concat(payloads), count: payloads.length };
  }),
  Bidi: stream((call, given) => each(call, given, async (message) => {
    await call.take(message);
    await call.give(message);
    return call.asks('early');
  })),
};

const file = path.join(process.env.MIXED_PROTO, 'test.proto');
const { rpcplugin } = grpc.loadPackageDefinition(loader.loadSync(file, { defaults: true }));
const server = new grpc.Server(JSON.parse(process.env.MIXED_OPTIONS));
server.addService(rpcplugin.test.Echo.service, echo);
server.bindAsync(process.env.RPCPLUGIN_CHILD_ADDRESS, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
process.once('SIGTERM', () => server.forceShutdown());
