// Verifies checkpoints and inclusion proofs with Sigstore's verifier. Arguments: name, id and raw public key of the log; stdin: proofs as JSON.
const { createPublicKey } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { verifyCheckpoint } = require("@sigstore/verify/dist/tlog/checkpoint.js");
const { verifyMerkleInclusion } = require("@sigstore/verify/dist/tlog/merkle.js");

const [name, id, raw] = process.argv.slice(2);
// The fixed beginning of an Ed25519 key in DER.
const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(raw, "base64")]);
const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
const logs = [{ logID: Buffer.from(id, "hex"), baseURL: name, publicKey }];

function holds({ envelope, index, hashes, content }) {
  const entry = {
    canonicalizedBody: Buffer.from(content, "base64"),
    inclusionProof: {
      logIndex: index,
      hashes: hashes.map((hash) => Buffer.from(hash, "base64")),
      checkpoint: { envelope },
    },
  };
  try {
    verifyMerkleInclusion(entry, verifyCheckpoint(entry, logs));
    return true;
  } catch (error) {
    if (error.name !== "VerificationError") throw error;
    return false;
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(holds)));
