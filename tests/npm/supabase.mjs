// A person's session by @supabase/auth-js, as its authors made it; tells what it saw as JSON.
import { GoTrueClient } from '@supabase/auth-js'

const [address, apikey, email, password] = process.argv.slice(2)
const client = new GoTrueClient({
  url: `${address}/auth/v1`,
  headers: { apikey },
  autoRefreshToken: false,
  persistSession: false,
})

const wrong = await client.signInWithPassword({ email, password: `${password}?` })
const { data, error } = await client.signInWithPassword({ email, password })
if (error) throw error
const refreshed = await client.refreshSession()
if (refreshed.error) throw refreshed.error

async function whoami(session) {
  const response = await fetch(`${address}/api/auth/whoami`, {
    headers: { authorization: `Bearer ${session.access_token}` },
  })
  return { status: response.status, body: await response.json() }
}

console.log(
  JSON.stringify({
    wrong: { status: wrong.error?.status, message: wrong.error?.message },
    user: data.user,
    session: data.session,
    refreshed: refreshed.data.session,
    kept: (await client.getSession()).data.session?.user,
    whoami: await whoami(refreshed.data.session),
  }),
)
