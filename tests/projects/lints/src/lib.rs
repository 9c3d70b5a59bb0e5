//! Bodies that the compiler and clippy warn about. Each must be warned about where it is tracked
//! too, at the same place.

#[cfg(feature = "tracked")]
use heap_runtime::heap_tracked;

#[deprecated]
fn old() {}

#[must_use]
fn important() -> u32 {
    3
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn returns_nothing() {
    let unused_variable = 3;
    let mut never_changed = 4;
    let mut assigned = 5;
    assigned = 6;
    println!("{}", never_changed);
    old();
    important();
    Result::<(), ()>::Ok(());
    let BadName = (1 + 2);
    println!("{}", BadName as u64 as u64);
    if BadName == 3 {
        return;
        println!("dead code after return");
    }
    fn never_called() {}
    'label: loop {
        break;
    }
    let x = 3u32;
    let list = vec![1, 2, 3];
    for i in 0..list.len() {
        println!("{}", list[i]);
    }
    assert_eq!(list.len() > 0, true);
    std::mem::forget(String::new());
    unsafe {}
    return;
}

#[test]
#[cfg_attr(feature = "tracked", heap_tracked)]
fn returns_a_result() -> Result<(), String> {
    let unused_variable = 3;
    let text = String::from("text");
    let copy = text.clone();
    println!("{}", copy);
    let parsed = "3".parse::<u32>().map_err(|error| error.to_string())?;
    if parsed == 3 {
        return Err("three".to_string());
        println!("dead code");
    }
    match parsed {
        1 => println!("one"),
        _ => {}
    }
    let done = Ok(());
    return done;
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn returns_opaque() -> impl std::process::Termination {
    let unused_variable = 3;
    if unused_variable_of() {
        old();
    }
    let code = std::process::ExitCode::SUCCESS;
    code
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn unused_variable_of() -> bool {
    let value = true;
    important();
    return value == true;
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
#[should_panic]
fn panics() {
    let unused_variable = 3;
    old();
    panic!("dead code follows");
    println!("dead code");
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn never_returns(count: u32, unused_argument: u32) -> ! {
    let unused_variable = 3;
    old();
    panic!("{}", count)
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn calls_it() {
    never_returns(1, 2);
    println!("dead code");
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn generic<T: Clone>(value: &T, list: &Vec<T>) -> T
where
    T: Default,
{
    let unused_variable = 3;
    important();
    if list.len() == 0 {
        return T::default();
    }
    return value.clone();
}

#[cfg_attr(feature = "tracked", heap_tracked)]
async fn later(unused_argument: u32) -> Result<u32, String> {
    let unused_variable = 3;
    old();
    important();
    std::future::ready(3).await;
    std::future::ready(4);
    if important() == 3 {
        return Ok(3);
        println!("dead code");
    }
    return Err("late".to_string());
}

#[cfg_attr(feature = "tracked", heap_tracked)]
async fn later_and_nothing() {
    let unused_variable = 3;
    std::future::ready(()).await;
    later(3);
    let _ = generic(&1, &vec![2]);
    return;
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn never_used() {
    println!("{}", 3);
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn uses_them() {
    drop(later_and_nothing());
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn by_value(list: Vec<u32>) -> usize {
    list.len()
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn wraps(list: &[u32]) -> Result<usize, String> {
    println!("{}", list.len());
    Ok(list.len())
}

#[cfg_attr(feature = "tracked", heap_tracked)]
async fn waits_for_nothing() -> u32 {
    3
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn could_be_const() -> u32 {
    3
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn not_changed(list: &mut Vec<u32>) -> usize {
    list.len()
}

#[cfg_attr(feature = "tracked", heap_tracked)]
pub fn panics_inside() -> Result<(), String> {
    Some(3).unwrap();
    Ok(())
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn mutable_argument(mut list: Vec<u32>, _used: u32) {
    println!("{} {}", list.len(), _used);
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn casts(number: u64) -> Option<u32> {
    let x = number as u32;
    let y = if x > 3 { Some(x) } else { None };
    let z = y.map(|v| v + 1).unwrap_or(3);
    let mut string = String::new();
    string.push_str(&format!("{}", z));
    let _ = string.clone();
    unsafe { std::hint::unreachable_unchecked() };
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn recursive(number: u64) {
    recursive(number);
}

#[cfg_attr(feature = "tracked", heap_tracked)]
fn items() {
    let a = 1;
    fn inner() {}
    inner();
    let a = a;
    println!("{}", a);
    const LONG: u32 = 1000000;
    println!("{}", LONG);
    let v = [0u8; 600000];
    println!("{}", v.len());
    if a == 1 { println!("{}", a) } else { println!("{}", a) }
    let _guard = std::sync::Mutex::new(1);
    let guard = _guard.lock().unwrap();
    println!("{}", guard);
    async {};
}

/// Documented.
#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn BadlyNamedAndLong() {
    #![expect(clippy::needless_range_loop, reason = "it is fulfilled in the body")]
    let list = vec![1, 2, 3];
    let mut sum = 0;
    for i in 0..list.len() {
        if list[i] > 1 {
            sum += 1;
        } else if list[i] > 2 {
            sum += 2;
        } else if list[i] > 3 {
            sum += 3;
        }
        match sum {
            1 => sum += list[i],
            2 => sum -= list[i],
            3 => sum *= list[i],
            _ if sum > 4 && list[i] > 5 || sum < -3 => break,
            _ => continue,
        }
        while sum > 10 {
            sum -= 1;
        }
    }
    println!("{}", sum);
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn calls_itself() {
    calls_itself();
}

/// Documented.
#[cfg_attr(feature = "tracked", heap_tracked(max_peak = "1 MiB", labels(area = "lints")))]
#[test]
fn BadlyNamedWithABudget() -> Result<(), String> {
    #![expect(clippy::needless_range_loop, reason = "it is fulfilled in the body")]
    let unused_variable = 3;
    let text = String::from("text");
    let copy = text.clone();
    println!("{}", copy);
    let list = vec![1, 2, 3];
    for i in 0..list.len() {
        println!("{}", list[i]);
    }
    let parsed = "3".parse::<u32>().map_err(|error| error.to_string())?;
    if parsed == 3 {
        return Err("three".to_string());
        println!("dead code");
    }
    let done = Ok(());
    return done;
}

#[cfg_attr(feature = "tracked", heap_tracked(exact))]
#[test]
fn never_fails() -> Result<(), String> {
    Ok(())
}

#[cfg_attr(feature = "tracked", heap_tracked(exact))]
#[test]
fn calls_itself_with_a_budget() -> Result<(), String> {
    calls_itself_with_a_budget()
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
#[should_panic(expected = "three")]
fn should_panic() {
    let unused_variable = 3;
    panic!("{}", "three");
}
