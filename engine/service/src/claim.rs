//! Claims: what only one process should do at a time.

use firn_storage::format::{FORMAT, from_bytes, to_bytes, v1};
use firn_storage::{ObjectAccess, path};
use firn_types::Result;

/// A job that this process has for itself until a moment, or until it gives it back.
///
/// A claim is an object that is created only if absent, under a number that grows; it holds until when it
/// is good. So a process that dies keeps nobody waiting for longer than it said, and no clock but that of
/// the claims' makers matters.
#[derive(Debug)]
pub struct Claim {
    access: ObjectAccess,
    name: String,
}

impl Claim {
    /// Claims a job until `until_nanos`; none when another process has it.
    ///
    /// # Errors
    /// `Storage` when the claims cannot be read or written.
    pub fn take(
        access: &ObjectAccess,
        job: &str,
        now_nanos: i64,
        until_nanos: i64,
    ) -> Result<Option<Claim>> {
        let folder = path::claims(job);
        let claims = access.list(&folder)?;
        let mut number = 0;
        for claim in &claims {
            number = number.max(path::version_of(&claim.path).unwrap_or(0));
            let held = access.get(&claim.path).and_then(|bytes| {
                let claim: v1::Claim = from_bytes(&claim.path, &bytes)?;
                Ok(claim.until_nanos > now_nanos)
            });
            // One that is gone by now, or says nothing, holds nobody off.
            if held.unwrap_or(false) {
                return Ok(None);
            }
        }
        let name = format!("{folder}/{:020}", number + 1);
        let owner = uuid::Uuid::new_v4().to_string();
        let claim = v1::Claim { format: FORMAT, owner: owner.clone(), until_nanos };
        if !access.put_if_absent(&name, to_bytes(&claim)?)? {
            // An own one whose answer was lost says "exists", too.
            let there: v1::Claim = from_bytes(&name, &access.get(&name)?)?;
            if there.owner != owner {
                return Ok(None);
            }
        }
        for old in &claims {
            access.delete(&old.path)?;
        }
        Ok(Some(Claim { access: access.clone(), name }))
    }
}

impl Claim {
    /// Has the job until a later moment.
    ///
    /// # Errors
    /// `Storage` when the claim cannot be written; it is good until it said before.
    pub fn renew(&mut self, until_nanos: i64) -> Result<()> {
        let number = path::version_of(&self.name).unwrap_or(0);
        let folder = self.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = format!("{folder}/{:020}", number + 1);
        let owner = uuid::Uuid::new_v4().to_string();
        let claim = v1::Claim { format: FORMAT, owner, until_nanos };
        self.access.put_if_absent(&name, to_bytes(&claim)?)?;
        let old = std::mem::replace(&mut self.name, name);
        self.access.delete(&old)
    }

    /// Who has a job for itself, by its mark, and until when; none when nobody does.
    ///
    /// # Errors
    /// `Storage` when the claims cannot be read.
    pub fn holder(
        access: &ObjectAccess,
        job: &str,
        now_nanos: i64,
    ) -> Result<Option<(String, i64)>> {
        for claim in access.list(&path::claims(job))? {
            let read = access.get(&claim.path);
            let read = read.and_then(|bytes| from_bytes::<v1::Claim>(&claim.path, &bytes));
            // One that is gone by now, or says nothing, holds nobody off.
            if let Some(claim) = read.ok().filter(|claim| claim.until_nanos > now_nanos) {
                return Ok(Some((claim.owner, claim.until_nanos)));
            }
        }
        Ok(None)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that cannot be deleted runs out.
        let _ = self.access.delete(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_has_it_until_it_gives_it_back_or_its_time_is_over() -> Result<()> {
        let access = ObjectAccess::memory();
        let take = |now, until| Claim::take(&access, "job", now, until);
        let first = take(0, 10)?.expect("nobody has it");
        assert!(take(5, 15)?.is_none());
        let holder = |now| Claim::holder(&access, "job", now).map(|held| held.map(|held| held.1));
        assert_eq!((holder(5)?, holder(10)?), (Some(10), None));
        let second = take(10, 20)?.expect("its time is over");
        assert!(take(15, 25)?.is_none());
        drop(first);
        assert!(take(16, 25)?.is_none());
        drop(second);
        assert!(take(17, 27)?.is_some());
        assert!(Claim::take(&access, "another", 0, 10)?.is_some());
        Ok(())
    }

    #[test]
    fn one_that_is_renewed_lasts_longer() -> Result<()> {
        let access = ObjectAccess::memory();
        let mut claim = Claim::take(&access, "job", 0, 10)?.expect("nobody has it");
        claim.renew(20)?;
        assert!(Claim::take(&access, "job", 15, 30)?.is_none());
        drop(claim);
        assert!(Claim::take(&access, "job", 16, 30)?.is_some());
        Ok(())
    }
}
