//! The two database engines behind one interface: connections, rows and the values of placeholders.
//!
//! Statements use the SQL that both engines understand. Placeholders are `$1`, `$2`, …, each used once and in order.
//! Statements over many rows have a text for each engine, see [`super::bulk_statement`].

use std::borrow::Cow;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments, ColumnIndex, Connection as _, Decode, Encode, PgConnection, Postgres, Row as _, SqlSafeStr,
    Sqlite, SqliteConnection, Type,
};

use super::sqlite;

/// A connection to a database.
pub(super) enum Connection {
    /// The embedded engine: a file or memory.
    Sqlite(SqliteConnection),
    /// A server that several sandboxes share.
    Postgres(PgConnection),
}

/// A row of a result.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// The value of one placeholder. `None` is SQL's NULL.
pub(super) enum BindValue {
    Integer(Option<i64>),
    Text(Option<Cow<'static, str>>),
    Bytes(Option<Vec<u8>>),
}

/// The values of a statement's placeholders, in order.
#[derive(Default)]
pub(super) struct BindValues(Vec<BindValue>);

/// A type that both engines can read from a column.
pub(super) trait ColumnType<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl<'r, T> ColumnType<'r> for T where
    T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl Row {
    /// The value of a column, by its name or its index.
    pub(super) fn try_get<'r, T: ColumnType<'r>, I>(&'r self, column: I) -> sqlx::Result<T>
    where
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

impl BindValues {
    /// Adds the value of the next placeholder.
    pub(super) fn bind(mut self, value: impl Into<BindValue>) -> Self {
        self.0.push(value.into());
        self
    }

    /// The values of many rows, row after row.
    pub(super) fn of_rows<T>(rows: &[T], bind: impl Fn(Self, &T) -> Self) -> Self {
        rows.iter().fold(Self::default(), bind)
    }

    /// The values as the arguments of one engine.
    pub(super) fn into_arguments<A: Arguments>(self) -> sqlx::Result<A>
    where
        Option<i64>: Encode<'static, A::Database> + Type<A::Database>,
        Option<&'static str>: Encode<'static, A::Database> + Type<A::Database>,
        Option<String>: Encode<'static, A::Database> + Type<A::Database>,
        Option<Vec<u8>>: Encode<'static, A::Database> + Type<A::Database>,
    {
        let mut arguments = A::default();
        arguments.reserve(self.0.len(), 0);
        for value in self.0 {
            match value {
                BindValue::Integer(integer) => arguments.add(integer),
                BindValue::Text(Some(Cow::Borrowed(text))) => arguments.add(Some(text)),
                BindValue::Text(text) => arguments.add(text.map(Cow::into_owned)),
                BindValue::Bytes(bytes) => arguments.add(bytes),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }

    /// The values of rows with this many columns, transposed: one array for each column.
    pub(super) fn into_arrays(self, columns: usize) -> sqlx::Result<PgArguments> {
        let mut arrays: Vec<ColumnArray> = Vec::with_capacity(columns);
        for (index, value) in self.0.into_iter().enumerate() {
            match arrays.get_mut(index % columns) {
                Some(array) => array.push(value)?,
                None => arrays.push(ColumnArray::of(value)),
            }
        }
        let mut arguments = PgArguments::default();
        for array in arrays {
            match array {
                ColumnArray::Integer(values) => arguments.add(values),
                ColumnArray::Text(values) => arguments.add(values),
                ColumnArray::Bytes(values) => arguments.add(values),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }
}

/// The values of one column over several rows.
enum ColumnArray {
    Integer(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl ColumnArray {
    fn of(first: BindValue) -> Self {
        match first {
            BindValue::Integer(value) => Self::Integer(vec![value]),
            BindValue::Text(value) => Self::Text(vec![value.map(Cow::into_owned)]),
            BindValue::Bytes(value) => Self::Bytes(vec![value]),
        }
    }

    /// Adds a value. Fails on a value of another type than the first, which would be a programming error.
    fn push(&mut self, value: BindValue) -> sqlx::Result<()> {
        match (self, value) {
            (Self::Integer(values), BindValue::Integer(value)) => values.push(value),
            (Self::Text(values), BindValue::Text(value)) => values.push(value.map(Cow::into_owned)),
            (Self::Bytes(values), BindValue::Bytes(value)) => values.push(value),
            _ => return Err(sqlx::Error::Encode("a column has values of two types".into())),
        }
        Ok(())
    }
}

impl From<i64> for BindValue {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for BindValue {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl From<&'static str> for BindValue {
    fn from(value: &'static str) -> Self {
        Self::Text(Some(Cow::Borrowed(value)))
    }
}

impl From<Option<&'static str>> for BindValue {
    fn from(value: Option<&'static str>) -> Self {
        Self::Text(value.map(Cow::Borrowed))
    }
}

impl From<String> for BindValue {
    fn from(value: String) -> Self {
        Self::Text(Some(Cow::Owned(value)))
    }
}

impl From<Option<String>> for BindValue {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(Cow::Owned))
    }
}

impl From<Vec<u8>> for BindValue {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl Connection {
    /// Runs a statement without placeholders, such as the beginning or the end of a transaction.
    pub(super) async fn execute(&mut self, text: impl SqlSafeStr) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => sqlx::query(text).execute(connection).await.map(drop),
            Self::Postgres(connection) => sqlx::query(text).execute(connection).await.map(drop),
        }
    }

    /// Runs a statement with placeholders and ignores its result.
    pub(super) async fn execute_with(
        &mut self,
        text: impl SqlSafeStr,
        values: BindValues,
    ) -> sqlx::Result<()> {
        self.fetch_all(text, values).await.map(drop)
    }

    /// Runs several statements, one after the other.
    pub(super) async fn execute_script(&mut self, script: String) -> sqlx::Result<()> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
        match self {
            Self::Sqlite(connection) => script.execute(connection).await.map(drop),
            Self::Postgres(connection) => script.execute(connection).await.map(drop),
        }
    }

    /// All rows of a statement's result.
    pub(super) async fn fetch_all(
        &mut self,
        text: impl SqlSafeStr,
        values: BindValues,
    ) -> sqlx::Result<Vec<Row>> {
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query_with(text, values.into_arguments::<SqliteArguments>()?);
                Ok(rows.fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query_with(text, values.into_arguments::<PgArguments>()?);
                Ok(rows.fetch_all(connection).await?.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first value of the first row of a statement's result.
    pub(super) async fn fetch_scalar<T>(
        &mut self,
        text: impl SqlSafeStr,
        values: BindValues,
    ) -> sqlx::Result<T>
    where
        T: for<'r> ColumnType<'r>,
    {
        let rows = self.fetch_all(text, values).await?;
        rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)
    }

    /// The contents of an SQLite database in SQLite's file format; `None` on PostgreSQL.
    pub(super) async fn serialize(&mut self) -> sqlx::Result<Option<Vec<u8>>> {
        match self {
            Self::Sqlite(connection) => Ok(Some(connection.serialize(None).await?.to_vec())),
            Self::Postgres(_) => Ok(None),
        }
    }

    /// Closes a connection that has written nothing.
    pub(super) async fn close_read_only(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        }
    }

    /// Closes the connection. The file of an SQLite database is complete afterwards.
    pub(super) async fn close(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::close(connection).await,
            Self::Postgres(connection) => connection.close().await,
        }
    }
}
