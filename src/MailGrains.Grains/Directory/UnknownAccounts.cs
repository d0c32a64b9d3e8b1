namespace MailGrains.Grains.Directory;

/// <summary>
/// Failures for names that have no account, in memory: such a name must be delayed and locked like an account, but trying names must not fill the
/// store, nor keep activations. A name's activations meet on one silo (hash placement) as long as the cluster stays as it is.
/// </summary>
public sealed class UnknownAccounts(LockoutOptions options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Account, LoginFailures Failures)>> _known = [];

    // The one that failed longest ago first: it is forgotten when there are too many, and no other with it.
    private readonly LinkedList<(string Account, LoginFailures Failures)> _byAge = new();

    internal LoginFailures Find(string account)
    {
        lock (_gate)
        {
            return _known.TryGetValue(account, out var node) ? node.Value.Failures : LoginFailures.None;
        }
    }

    internal void Keep(string account, LoginFailures failures)
    {
        lock (_gate)
        {
            Remove(account);
            if (_known.Count >= options.UnknownAccounts)
            {
                Remove(_byAge.First!.Value.Account);
            }

            _known[account] = _byAge.AddLast((account, failures));
        }
    }

    internal void Forget(string account)
    {
        lock (_gate)
        {
            Remove(account);
        }
    }

    private void Remove(string account)
    {
        if (_known.Remove(account, out var node))
        {
            _byAge.Remove(node);
        }
    }
}
