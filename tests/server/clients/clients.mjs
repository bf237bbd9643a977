// Talks to a server through the two npm clients and prints what each of them says, as JSON.
//
//   node clients.mjs PORT KEY
//
// akismet-api puts the key before the host, as Akismet's old addresses did; here, every name
// below "localhost" is this machine.
import dns from "node:dns";
import { AkismetClient } from "akismet-api";
import { Author, Blog, CheckResult, Client, Comment } from "@cedx/akismet";

const [port, key] = process.argv.slice(2);
const lookup = dns.lookup;
dns.lookup = (name, options, done) =>
  name.endsWith(".localhost") || name === "localhost"
    ? lookup("127.0.0.1", options, done)
    : lookup(name, options, done);

const spam = "cheap viagra at http://pills.example order now";
const ham = "Thanks, the second query was missing an index here too.";
const site = "https://blog.example/";
const said = {};

async function outcome(work) {
  try {
    return await work();
  } catch (error) {
    return `error: ${error.message}`;
  }
}

async function api() {
  const client = new AkismetClient({ key, blog: site, host: `localhost:${port}`, protocol: "http" });
  const wrong = new AkismetClient({ key: "000000000000", blog: site, host: `localhost:${port}`, protocol: "http" });
  const about = (content, more = {}) => ({ ip: "192.0.2.1", useragent: "Test", content, name: "Größe", ...more });
  return {
    verify: await outcome(() => client.verifyKey()),
    verifyWrong: await outcome(() => wrong.verifyKey()),
    spam: await outcome(() => client.checkSpam(about(spam))),
    ham: await outcome(() => client.checkSpam(about(ham))),
    administrator: await outcome(() => client.checkSpam(about(spam, { role: "administrator" }))),
    honeypot: await outcome(() => client.checkSpam(about(ham, { honeypot: "filled" }))),
    guaranteed: await outcome(() => client.checkSpam(about(ham, { name: "akismet-guaranteed-spam" }))),
    wrongKey: await outcome(() => wrong.checkSpam(about(spam))),
    noAddress: await outcome(() => client.checkSpam({ content: spam })),
    submitHam: await outcome(async () => (await client.submitHam(about(spam))).text),
    afterHam: await outcome(() => client.checkSpam(about(spam))),
    submitSpam: await outcome(async () => (await client.submitSpam(about(spam))).text),
    afterSpam: await outcome(() => client.checkSpam(about(spam))),
  };
}

async function cedx() {
  const blog = new Blog({ url: site, charset: "UTF-8", languages: ["en", "de"] });
  const client = new Client(key, blog, { baseUrl: `http://127.0.0.1:${port}/` });
  const testing = new Client(key, blog, { baseUrl: `http://127.0.0.1:${port}/`, isTest: true });
  const wrong = new Client("000000000000", blog, { baseUrl: `http://127.0.0.1:${port}/` });
  const name = (result) => Object.keys(CheckResult).find((each) => CheckResult[each] === result);
  const about = (content, more = {}) =>
    new Comment({
      author: new Author({ ipAddress: "192.0.2.1", userAgent: "Test", name: "Größe", ...more }),
      content,
      context: ["cooking", "baking"],
      date: new Date("2024-05-31T12:00:00Z"),
      permalink: `${site}a`,
      type: "comment",
    });
  return {
    verify: await outcome(() => client.verifyKey()),
    verifyWrong: await outcome(() => wrong.verifyKey()),
    spam: await outcome(async () => name(await client.checkComment(about(spam)))),
    ham: await outcome(async () => name(await client.checkComment(about(ham)))),
    administrator: await outcome(async () => name(await client.checkComment(about(spam, { role: "administrator" })))),
    wrongKey: await outcome(async () => name(await wrong.checkComment(about(spam)))),
    testTeachesNothing: await outcome(async () => {
      await testing.submitHam(about(spam));
      return name(await client.checkComment(about(spam)));
    }),
    afterHam: await outcome(async () => {
      await client.submitHam(about(spam));
      return name(await client.checkComment(about(spam)));
    }),
    afterSpam: await outcome(async () => {
      await client.submitSpam(about(spam));
      return name(await client.checkComment(about(spam)));
    }),
  };
}

said.api = await api();
said.cedx = await cedx();
console.log(JSON.stringify(said));
