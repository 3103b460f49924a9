// oidc-provider on its in-memory adapter: client_credentials tokens, and one protected resource beside them.
//
// The adapter is the package's own: a least-recently-used map of 1,000 entries, lost when the process ends.
// The resource is what an application that embeds the package would write: find the token, check it, answer one row.
import { Provider } from 'oidc-provider';

const [host, port, clientId, clientSecret, linkCount] = process.argv.slice(2);
const provider = new Provider(`http://${host}:${port}`, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'connect:fulfillment',
  }],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  scopes: ['connect:fulfillment'],
  ttl: { ClientCredentials: 86400 },
});

const links = new Map();
for (let number = 0; number < Number(linkCount); number += 1) {
  links.set(`user-${number}`, { express_member: true, expired_at: '2035-01-01T00:00:00Z' });
}

const linkPath = /^\/users\/([^/]+)\/link$/;
provider.use(async (ctx, next) => {
  const match = linkPath.exec(ctx.path);
  if (!match) return next();
  const bearer = ctx.get('authorization');
  const token = bearer.startsWith('Bearer ') && await provider.ClientCredentials.find(bearer.slice(7));
  if (!token || !token.isValid || !token.scopes.has('connect:fulfillment')) ctx.throw(401);
  const link = links.get(decodeURIComponent(match[1]));
  if (!link) ctx.throw(400);
  ctx.body = link;
  return undefined;
});

provider.listen(Number(port), host);
