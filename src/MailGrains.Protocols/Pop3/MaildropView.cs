using System.Collections;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3;

/// <summary>The TRANSACTION state (RFC 1939 §5): the snapshot, and which of its messages are marked as deleted.</summary>
internal sealed class MaildropView
{
    private BitArray? _deleted;

    public MaildropView(IPop3Maildrop maildrop)
    {
        Maildrop = maildrop;
        Count();
    }

    public IPop3Maildrop Maildrop { get; }

    /// <summary>Messages not marked as deleted, and their octets.</summary>
    public int RemainingCount { get; private set; }

    public long RemainingOctets { get; private set; }

    public bool IsDeleted(int index) => _deleted is not null && _deleted[index];

    public void Delete(int index)
    {
        _deleted ??= new BitArray(Maildrop.Count);
        _deleted[index] = true;
        RemainingCount--;
        RemainingOctets -= Maildrop.Octets(index);
    }

    public void UndeleteAll()
    {
        _deleted = null;
        Count();
    }

    public List<int> DeletedIndexes()
    {
        var indexes = new List<int>();
        for (var i = 0; _deleted is not null && i < _deleted.Length; i++)
        {
            if (_deleted[i])
            {
                indexes.Add(i);
            }
        }

        return indexes;
    }

    /// <summary>
    /// Takes a message number (RFC 1939 §3); null and a good decoder: there is no such message, or it is marked as deleted (RFC 1939 §5).
    /// </summary>
    public int? ExpectMessage(ref TextDecoder decoder)
    {
        var number = decoder.ExpectNumber();
        return decoder.Failed || number < 1 || number > Maildrop.Count || IsDeleted((int)number - 1) ? null : (int)number - 1;
    }

    private void Count()
    {
        RemainingCount = Maildrop.Count;
        RemainingOctets = 0;
        for (var i = 0; i < Maildrop.Count; i++)
        {
            RemainingOctets += Maildrop.Octets(i);
        }
    }
}
