// Make the shop's database: `node prepare.mjs PORT CARTS FILE` with BENCH_DATABASE set. So many customers get as far as
// paying, over HTTP as any customer does; FILE gets a line for each: token and code of the order.
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { config } from './config.mjs';

const require = createRequire(import.meta.url);
const { bootstrap } = require('@vendure/core');
const { populate } = require('@vendure/core/cli');

const [port, carts, file] = process.argv.slice(2);
const initialData = {
  defaultLanguage: 'en',
  defaultZone: 'Americas',
  countries: [{ name: 'United States of America', code: 'US', zone: 'Americas' }],
  taxRates: [{ name: 'Standard Tax', percentage: 0 }],
  shippingMethods: [{ name: 'Standard Shipping', price: 500 }],
  paymentMethods: [{
    name: 'Standard Payment',
    handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] },
  }],
  collections: [],
};
const columns = 'name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,'
  + 'trackInventory,variantAssets,variantFacets';
const products = [1, 2, 3].map((n) => `Product ${n},product-${n},,,,,,sku-${n},2.49,standard,10000000,true,,`);
const csv = `${file}.csv`;
writeFileSync(csv, `${[columns, ...products].join('\n')}\n`);
const app = await populate(() => bootstrap(config(Number(port), true)), initialData, csv);

const ask = async (query, token) => {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(`http://127.0.0.1:${port}/shop-api`, {
    method: 'POST', headers, body: JSON.stringify({ query }),
  });
  const body = await answer.json();
  if (body.errors || JSON.stringify(body).includes('errorCode')) throw new Error(JSON.stringify(body));
  return { body, token: answer.headers.get('vendure-auth-token') ?? token };
};
const refused = '... on ErrorResult { errorCode message }';
const add = (n) => `a${n}: addItemToOrder(productVariantId: ${n}, quantity: 1) { ... on Order { code } ${refused} }`;

const lines = [];
for (let number = 0; number < Number(carts); number += 1) {
  const { token } = await ask(`mutation { ${add(1)} }`);
  const { body } = await ask(`mutation {
    ${add(2)} ${add(3)}
    setCustomerForOrder(input: {
      firstName: "Sample", lastName: "Member", emailAddress: "member-${number}@example.com"
    }) { ... on Order { code } ${refused} }
    setOrderShippingAddress(input: {
      fullName: "Sample Member", streetLine1: "350 W Oak St", city: "Chicago", postalCode: "60610", countryCode: "US"
    }) { ... on Order { code } ${refused} }
    setOrderShippingMethod(shippingMethodId: ["1"]) { ... on Order { code } ${refused} }
    transitionOrderToState(state: "ArrangingPayment") { ... on Order { code state } ${refused} }
  }`, token);
  lines.push(`${token} ${body.data.transitionOrderToState.code}`);
}
writeFileSync(file, `${lines.join('\n')}\n`);
await app.close();
