// openid-client on the commands of test_openid_client.py: one JSON object a line in, one a line out.

import * as readline from 'node:readline'
import * as client from 'openid-client'

const authentications = { client_secret_post: client.ClientSecretPost, client_secret_basic: client.ClientSecretBasic }
let config, checks

const commands = {
  async discover({ issuer, client_id, client_secret, method }) {
    const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
    config = await client.discovery(new URL(issuer), client_id, undefined, authentications[method](client_secret), options)
    return config.serverMetadata()
  },

  async authorize({ redirect_uri }) {
    checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri,
      scope: 'account_linking',
      state: checks.expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    return { url }
  },

  exchange: ({ location }) => client.authorizationCodeGrant(config, new URL(location), checks),
  credentials: ({ scope }) => client.clientCredentialsGrant(config, { scope }),
  introspect: ({ token }) => client.tokenIntrospection(config, token),
  revoke: async ({ token }) => (await client.tokenRevocation(config, token)) ?? {},
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { command, ...parameters } = JSON.parse(line)
  try {
    console.log(JSON.stringify({ result: await commands[command](parameters) }))
  } catch (error) {
    const { code, error: slug, cause, message } = error
    console.log(JSON.stringify({ refused: { code, error: slug, message: cause?.message ?? message } }))
  }
}
