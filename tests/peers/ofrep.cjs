// Asks a server by OFREP as a Node program does; the caller's default is the dangerous one. Arguments: root, questions as JSON.
const { OpenFeature } = require("@openfeature/server-sdk");
const { OFREPProvider } = require("@openfeature/ofrep-provider");

async function main([baseUrl, token, questions]) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl, headers }));
  const client = OpenFeature.getClient();
  const answers = [];
  for (const { key, context } of JSON.parse(questions)) {
    const details = await client.getBooleanDetails(key, true, context);
    answers.push({ key, value: details.value, variant: details.variant, metadata: details.flagMetadata });
  }
  console.log(JSON.stringify(answers));
  await OpenFeature.close();
}

main(process.argv.slice(2));
