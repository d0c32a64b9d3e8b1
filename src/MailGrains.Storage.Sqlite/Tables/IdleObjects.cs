using System.Diagnostics.CodeAnalysis;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>Objects that wait to be used again, at most so many; the last one given back is taken first.</summary>
internal sealed class IdleObjects<T>(int max)
    where T : class
{
    private readonly T[] _idle = new T[max];
    private int _count;

    public bool TryTake([NotNullWhen(true)] out T? taken)
    {
        lock (_idle)
        {
            taken = _count > 0 ? _idle[--_count] : null;
            return taken is not null;
        }
    }

    /// <summary>False when there are enough.</summary>
    public bool TryAdd(T given)
    {
        lock (_idle)
        {
            if (_count == _idle.Length)
            {
                return false;
            }

            _idle[_count++] = given;
            return true;
        }
    }
}
