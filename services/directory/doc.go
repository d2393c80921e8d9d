// Package directory keeps who and where: divisions, bureaus, people and their
// roles, the credentials they sign in with, the working-day calendars, and the
// jurisdiction profile, which holds what national law leaves to a region.
//
// # A person
//
//	          IssueOneTimeCode,
//	          ActivateSignIn
//	INVITED ───────────────────▶ ACTIVE
//	   │                           │
//	   └──────── DisablePerson ────┴──▶ DISABLED
//
// # What always holds
//
//   - A sign-in name and a credit code are each unique over all regions.
//   - The three separated administrators (三员) exclude one another and every
//     other role; outside counsel holds no other role and works for no bureau, a
//     government lawyer who is counsel is at most a drafter beside.
//   - Nobody changes their own roles or disables themselves, so that the last
//     security administrator of a region cannot lock the region out.
//   - A change of roles, a disabled person, a new one-time code and a revocation
//     end all sessions. Access tokens are refused at once in this process, and
//     after [Server.SyncRevocations] in others.
//   - A delegation gives a colleague of the bureau roles of the principal, never
//     more than both allow on the day; its tokens end with it, with the session
//     that asked for them and with either person, and beget nothing.
//   - A failed sign-in says the same, and does the same work, whether the name,
//     the password, the code or the person was wrong.
//   - Secrets are kept as hashes in a collection of their own, which no RPC
//     serves; journal entries hold none.
//   - People, bureaus and profiles of another region do not exist for a caller.
//     Divisions and calendars are the same for everyone.
//   - Versions of a profile and their dates are never changed. The newest
//     version of the latest date not after the asked one counts.
//   - No final date is computed in a year whose calendar is not loaded.
package directory
