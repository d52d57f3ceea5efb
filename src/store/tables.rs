//! The tables of a world. Each submodule lists the columns of one table, and reads and writes its rows.
//!
//! A column is added in one place: a line of the list says its name and its value. The statements that insert and update
//! rows are made of the list, and the function that reads a row stands below it.

pub(super) mod accounts;
pub(super) mod caller_references;
pub(super) mod instruments;
pub(super) mod subscriptions;
pub(super) mod tokens;
pub(super) mod transactions;

/// Declares the columns of a table: `column = value of this column`.
///
/// `insert` makes the statement `INSERT` and the function `insert(connection, rows)`. `key`, `fixed` and `updated`
/// together make these, and for the columns in `updated` the statement `UPDATE` and the function
/// `update(connection, rows)`, which fails unless every row exists.
macro_rules! table_columns {
    (
        $table:ident: $row:ident: $row_type:ty;
        insert { $first:ident = $first_value:expr, $($column:ident = $value:expr,)* }
        $(on_conflict $on_conflict:literal)?
    ) => {
        pub(in crate::store) static INSERT: $crate::store::bulk_statement::BulkStatement =
            $crate::store::bulk_statement::BulkStatement::new(
                concat!(
                    "INSERT INTO ", stringify!($table), " (", stringify!($first), $(", ", stringify!($column),)* ")"
                ),
                [stringify!($first), $(stringify!($column)),*].len(),
                concat!($($on_conflict)?),
            );

        pub(in crate::store) async fn insert(
            connection: &mut $crate::store::engine::Connection,
            rows: &[$row_type],
        ) -> sqlx::Result<()> {
            INSERT
                .execute(connection, rows, |values, $row| values.bind($first_value)$(.bind($value))*)
                .await
                .map(drop)
        }
    };
    (
        $table:ident: $row:ident: $row_type:ty;
        key { $key:ident = $key_value:expr, }
        fixed { $($fixed:ident = $fixed_value:expr,)* }
        updated { $first:ident = $first_value:expr, $($updated:ident = $updated_value:expr,)* }
    ) => {
        $crate::store::tables::table_columns! {
            $table: $row: $row_type;
            insert {
                $key = $key_value,
                $($fixed = $fixed_value,)*
                $first = $first_value,
                $($updated = $updated_value,)*
            }
        }

        pub(in crate::store) static UPDATE: $crate::store::bulk_statement::BulkStatement =
            $crate::store::bulk_statement::BulkStatement::new(
                concat!(
                    "WITH new (", stringify!($key), ", ", stringify!($first), $(", ", stringify!($updated),)* ") AS ("
                ),
                [stringify!($key), stringify!($first), $(stringify!($updated)),*].len(),
                concat!(
                    ") UPDATE ", stringify!($table), " SET ", stringify!($first), " = new.", stringify!($first),
                    $(", ", stringify!($updated), " = new.", stringify!($updated),)*
                    " FROM new WHERE ", stringify!($table), ".", stringify!($key), " = new.", stringify!($key)
                ),
            );

        pub(in crate::store) async fn update(
            connection: &mut $crate::store::engine::Connection,
            rows: &[$row_type],
        ) -> sqlx::Result<()> {
            let changed = UPDATE
                .execute(connection, rows, |values, $row| {
                    values.bind($key_value).bind($first_value)$(.bind($updated_value))*
                })
                .await?;
            $crate::store::save::check_all_changed(stringify!($table), changed, rows.len())
        }
    };
}
pub(super) use table_columns;

/// The value of an `id` column. An id that is derived from the row number is not stored.
fn stored_id(id: &str, derived: &str) -> Option<String> {
    (id != derived).then(|| id.to_owned())
}
