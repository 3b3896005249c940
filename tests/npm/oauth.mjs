// The whole life of a client's tokens by oauth4webapi, as its author made it; tells what it saw as JSON.
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto // Global since Node 20 only.
const oauth = await import('oauth4webapi')

const [address, client_id, secret] = process.argv.slice(2)
const http = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(address)
const client = { client_id }

const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http })
const as = await oauth.processDiscoveryResponse(issuer, discovered)

async function claimsOf(token) {
  const request = new Request(`${address}/api/auth/whoami`, { headers: { authorization: `Bearer ${token}` } })
  return await oauth.validateJwtAccessToken(as, request, address, http)
}

async function introspect(auth, token) {
  const response = await oauth.introspectionRequest(as, client, auth, token, http)
  return await oauth.processIntrospectionResponse(as, client, response)
}

async function refusalOf(work) {
  try {
    await work()
  } catch (error) {
    const challenges = error.cause?.map?.((challenge) => challenge.scheme)
    return { name: error.name, status: error.status, error: error.error, challenges }
  }
}

async function lifeOf(auth) {
  const parameters = new URLSearchParams({ scope: 'index:read:*' })
  const asked = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, http)
  const granted = await oauth.processClientCredentialsResponse(as, client, asked)
  const claims = await claimsOf(granted.access_token)
  const again = await oauth.refreshTokenGrantRequest(as, client, auth, granted.refresh_token, http)
  const refreshed = await oauth.processRefreshTokenResponse(as, client, again)
  const before = await introspect(auth, refreshed.access_token)
  const revoked = await oauth.revocationRequest(as, client, auth, refreshed.refresh_token, http)
  await oauth.processRevocationResponse(revoked)
  return {
    granted,
    claims,
    refreshed,
    before,
    after: await introspect(auth, refreshed.access_token),
    reused: await refusalOf(async () => {
      const response = await oauth.refreshTokenGrantRequest(as, client, auth, refreshed.refresh_token, http)
      await oauth.processRefreshTokenResponse(as, client, response)
    }),
  }
}

const wrong = await refusalOf(async () => {
  const auth = oauth.ClientSecretPost('wrong')
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, new URLSearchParams(), http)
  await oauth.processClientCredentialsResponse(as, client, response)
})

console.log(
  JSON.stringify({
    as,
    basic: await lifeOf(oauth.ClientSecretBasic(secret)),
    post: await lifeOf(oauth.ClientSecretPost(secret)),
    wrong,
  }),
)
