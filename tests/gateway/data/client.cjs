// OpenAI's own client for node, as its users call it: `node client.cjs URL` prints what it got, as JSON.
const OpenAI = require("openai");

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const model = "smollm2";
const messages = [{ role: "user", content: "Name three colours." }];
const add = {
  type: "function",
  function: {
    name: "add",
    description: "Adds two numbers",
    parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
  },
};

async function all(stream) {
  const events = [];
  for await (const event of await stream) events.push(event);
  return events;
}

async function main() {
  const chat = (more) => client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 12, ...more });
  const got = {};
  got.models = (await all(client.models.list())).map((one) => one.id);
  got.whole = await chat();
  got.pieces = await all(chat({ stream: true, stream_options: { include_usage: true } }));
  got.tools = await chat({ tools: [add], max_tokens: 40 });
  got.three = await chat({ n: 3, temperature: 1, max_tokens: 8 });
  got.text = await client.completions.create({ model, prompt: "The sky is", max_tokens: 5 });
  got.answer = await client.responses.create({ model, input: "Say hi", max_output_tokens: 6 });
  got.events = await all(client.responses.create({ model, input: "Hi", max_output_tokens: 6, stream: true }));
  try {
    await chat({ n: 0 });
  } catch (error) {
    got.refused = { name: error.constructor.name, status: error.status, param: error.param, message: error.message };
  }
  console.log(JSON.stringify(got));
}

main();
