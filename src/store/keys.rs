//! Access keys: who signs requests, kept in memory with their HMAC states made.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ledger::{AccountNumber, CbuiStatus, Secret};
use crate::signature::SecretKey;

use super::columns;
use super::engine::{Connection, Values};
use super::statement::ManyRows;

static KEYS: ManyRows = ManyRows::new(
    "INSERT INTO access_keys (key, account, secret, standing, ending, return_signature)",
    6,
    "",
);

/// An access key as it is kept: its secret in words, once.
#[derive(Debug)]
pub struct NewAccessKey {
    /// The public id: `AWSAccessKeyId`.
    pub id: String,
    /// Whose key it is.
    pub owner: AccountNumber,
    /// What requests are signed with.
    pub secret: Secret,
    /// Whether its owner may call.
    pub standing: Standing,
    /// What its owner wants of the Co-Branded pages.
    pub pages: PageSettings,
}

/// An access key and its owner. The secret is there as HMAC states only.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The public id: `AWSAccessKeyId`.
    pub id: String,
    /// Whose key it is.
    pub owner: AccountNumber,
    /// What requests are signed with.
    pub secret: SecretKey,
    /// Whether its owner may call.
    pub standing: Standing,
    /// What its owner wants of the Co-Branded pages.
    pub pages: PageSettings,
}

/// Whether the owner of an access key may call the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A developer who is signed up for FPS: may call.
    Developer,
    /// Not a developer account.
    NotDeveloper,
    /// Not signed up for FPS.
    NotSignedUp,
}

/// What a merchant wants of the Co-Branded pages (our choice).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageSettings {
    /// How every visit ends, at once and without pages, unless the merchant's URL says otherwise.
    pub ending: Option<CbuiStatus>,
    /// Whether return URLs are signed by version 1, as they were for accounts that had not moved to version 2.
    pub signs_by_version_1: bool,
}

/// The access keys of a world.
#[derive(Debug, Default)]
pub struct Keys {
    by_id: HashMap<String, Arc<AccessKey>>,
    first: Option<Arc<AccessKey>>,
}

impl Keys {
    pub(super) async fn load(connection: &mut Connection) -> sqlx::Result<Self> {
        let text = "SELECT key, account, secret, standing, ending, return_signature FROM access_keys ORDER BY account, key";
        let rows = connection.all(text, Values::default()).await?;
        let mut keys = Self::default();
        for row in rows {
            let owner = AccountNumber(row.try_get(1)?);
            let pages = PageSettings {
                ending: columns::ending(row.try_get(4)?)?,
                signs_by_version_1: row.try_get::<i64, _>(5)? == 1,
            };
            let secret = SecretKey::new(row.try_get::<String, _>(2)?.as_str());
            let standing = columns::standing(&row.try_get::<String, _>(3)?)?;
            keys.add(AccessKey { id: row.try_get(0)?, owner, secret, standing, pages });
        }
        Ok(keys)
    }

    /// The keys of a world that is not made yet.
    pub fn of(new: &[NewAccessKey]) -> Self {
        let mut sorted: Vec<_> = new.iter().collect();
        sorted.sort_by_key(|key| (key.owner, &key.id));
        let mut keys = Self::default();
        for key in sorted {
            keys.add(AccessKey {
                id: key.id.clone(),
                owner: key.owner,
                secret: SecretKey::new(key.secret.reveal()),
                standing: key.standing,
                pages: key.pages,
            });
        }
        keys
    }

    fn add(&mut self, key: AccessKey) {
        let key = Arc::new(key);
        self.first.get_or_insert_with(|| Arc::clone(&key));
        self.by_id.insert(key.id.clone(), key);
    }

    /// The key of this id.
    pub fn get(&self, id: &str) -> Option<&Arc<AccessKey>> {
        self.by_id.get(id)
    }

    /// The key of the first account that has one.
    pub fn first(&self) -> Option<&Arc<AccessKey>> {
        self.first.as_ref()
    }
}

/// Saves new keys.
pub(super) async fn save(connection: &mut Connection, keys: &[NewAccessKey]) -> sqlx::Result<()> {
    KEYS.execute(connection, keys, |query, key| {
        query
            .bind(key.id.clone())
            .bind(key.owner.0)
            .bind(key.secret.reveal().to_owned())
            .bind(columns::standing_name(key.standing))
            .bind(key.pages.ending.map(CbuiStatus::name))
            .bind(if key.pages.signs_by_version_1 { 1_i64 } else { 2_i64 })
    })
    .await?;
    Ok(())
}
