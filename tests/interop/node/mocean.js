// Mocean's SDK for node, unchanged but for its base URL: one call, and what came of it as a line of JSON.
//
//   node mocean.js BASE_URL CALL '{"mocean-to": "..."}'
'use strict';

const { Client, Mocean } = require('mocean-sdk');

const [baseUrl, call, parameters] = process.argv.slice(2);
const mocean = new Mocean(new Client({ apiKey: process.env.MOCEAN_KEY || 'KEY', apiSecret: process.env.MOCEAN_SECRET || 'SECRET' }), { baseUrl });
const given = JSON.parse(parameters);

const calls = {
  sms: () => mocean.sms().send(given),
  balance: () => mocean.balance().inquiry(given),
  pricing: () => mocean.pricingList().inquiry(given),
  status: () => mocean.messageStatus().inquiry(given),
  request: () => mocean.verifyRequest().sendAs('sms').send(given),
  telegram: () => mocean.verifyRequest().sendAs('telegram').send(given),
  resend: () => mocean.verifyRequest().resend(given),
  check: () => mocean.verifyValidate().send(given),
  lookup: () => mocean.numberLookup().inquiry(given),
};

const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');
calls[call]().then((answer) => say({ answer }), (error) => say({ error: String(error.message || error), answer: error }));
