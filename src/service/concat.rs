//! Concatenation of constant slices, so that actions can share parts of their parameter and error lists.

/// Concatenates constant slices: `concat_slices!([Code]: SHARED, &[Code::InvalidParams])` is a `&'static [Code]`.
macro_rules! concat_slices {
    ([$item:ty]: $($slice:expr),+ $(,)?) => {{
        const SLICES: &[&[$item]] = &[$($slice),+];
        const LENGTH: usize = $crate::service::concat::total_length(SLICES);
        const ALL: [$item; LENGTH] = $crate::service::concat::concat(SLICES);
        &ALL
    }};
}
pub(super) use concat_slices;

/// The number of items in all slices together.
pub(super) const fn total_length<T>(slices: &[&[T]]) -> usize {
    let (mut total, mut index) = (0, 0);
    while index < slices.len() {
        total += slices[index].len();
        index += 1;
    }
    total
}

/// All items in order. `LENGTH` is their [`total_length`]; the first slice must not be empty.
pub(super) const fn concat<T: Copy, const LENGTH: usize>(slices: &[&[T]]) -> [T; LENGTH] {
    let mut all = [slices[0][0]; LENGTH];
    let (mut count, mut index) = (0, 0);
    while index < slices.len() {
        let mut position = 0;
        while position < slices[index].len() {
            all[count] = slices[index][position];
            count += 1;
            position += 1;
        }
        index += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn slices_are_concatenated_in_order() {
        const SHARED: &[u8] = &[1, 2];
        let all: &[u8] = concat_slices!([u8]: SHARED, &[], &[3]);
        assert_eq!(all, [1, 2, 3]);
    }
}
