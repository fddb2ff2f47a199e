// A plugin in Node: the key-value service of go-plugin's example, as a plain gRPC
// server. rpcplugin makes a plugin of it: `rpcplugin serve --exec node server.js`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

// The default, 4 MiB, is little: hosts send and take up to 2 GiB.
const UNLIMITED = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
};

// Values are files of the working directory, which is the host's: each command of
// the example's host starts the plugin anew.
function file(key) {
  if (!/^[\w.-]+$/.test(key)) {
    throw failure(grpc.status.INVALID_ARGUMENT, `the key is ${JSON.stringify(key)}, expected letters, digits and . _ -`);
  }
  return 'kv_' + key;
}

async function get({ key }) {
  try {
    return { value: await fs.promises.readFile(file(key)) };
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw failure(grpc.status.NOT_FOUND, `no value was put for key ${JSON.stringify(key)}`);
  }
}

async function put({ key, value }) {
  await fs.promises.writeFile(file(key), value);
  console.error(`[INFO] ${value.length} bytes were put for key ${JSON.stringify(key)}`);
  return {};
}

// What an error with these two says is the status of the call.
function failure(code, details) {
  return Object.assign(new Error(details), { code, details });
}

// method makes a handler of a function. What it throws ends the call: a failure
// as it is, anything else as INTERNAL, with its stack in the host's log.
function method(serve) {
  return (call, callback) => serve(call.request).then(
    (answer) => callback(null, answer),
    (error) => {
      if (error.details) return callback(error);
      console.error(`[ERROR] ${error.stack}`);
      callback({ code: grpc.status.INTERNAL, details: String(error) });
    },
  );
}

function main() {
  const address = process.env.RPCPLUGIN_CHILD_ADDRESS;
  if (!address) {
    console.error('no RPCPLUGIN_CHILD_ADDRESS: start this with "rpcplugin serve --exec node server.js"');
    process.exit(1);
  }
  const { proto } = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, 'kv.proto')));
  const server = new grpc.Server(UNLIMITED);
  server.addService(proto.KV.service, { Get: method(get), Put: method(put) });
  server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
  });
  // No call runs any more when SIGTERM comes.
  process.once('SIGTERM', () => server.forceShutdown());
}

main();
