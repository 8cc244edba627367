// The admin client.
//
// admin.ts            the door: every call
// admin-results.ts    what calls take and give
// config-requests.ts  configurations, and which broker to ask for them
// topic-pages.ts      topics page by page, with their eligible leaders
export { Admin, type AdminOptions } from './admin.ts';
export * from './admin-results.ts';
