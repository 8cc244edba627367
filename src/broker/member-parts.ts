// What only a member of a cluster needs, behind one door, so that a broker on its own loads none of
// it.

export { memberHandlers } from './handlers/of-member.ts';
export { MemberRegistration } from './member-registration.ts';
export { Peers } from './requests/peers.ts';
