namespace MailGrains.Grains.Directory;

/// <summary>
/// Failures for names that have no account, in memory: such a name must be delayed and locked like an account, but trying names must not fill the
/// store, nor keep activations. A name's activations meet on one silo (hash placement) as long as the cluster stays as it is.
/// </summary>
public sealed class UnknownAccounts(LockoutOptions options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LoginFailures> _failures = [];

    internal LoginFailures Find(string account)
    {
        lock (_gate)
        {
            return _failures.GetValueOrDefault(account, LoginFailures.None);
        }
    }

    internal void Keep(string account, LoginFailures failures)
    {
        lock (_gate)
        {
            if (_failures.Count >= options.UnknownAccounts)
            {
                _failures.Clear();
            }

            _failures[account] = failures;
        }
    }

    internal void Forget(string account)
    {
        lock (_gate)
        {
            _failures.Remove(account);
        }
    }
}
