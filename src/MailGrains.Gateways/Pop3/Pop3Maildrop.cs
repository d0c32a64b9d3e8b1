using System.Runtime.InteropServices;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Protocols.Pop3;
using MailGrains.Storage.Bodies;

namespace MailGrains.Gateways.Pop3;

/// <summary>
/// INBOX as it was at login. Numbers belong to the session, ids and UIDs to the messages, so sessions side by side do not disturb each
/// other; a message that another one has removed can be read until it is purged. 28 bytes a message are held.
/// </summary>
public sealed class Pop3Maildrop : IPop3Maildrop
{
    private const int PageSize = 2_000;

    private readonly IMailboxGrain _grain;
    private readonly MailboxId _mailbox;
    private readonly int _folder;
    private readonly StoredMessages _stored;
    private readonly List<Message> _messages;

    private Pop3Maildrop(IMailboxGrain grain, MailboxId mailbox, int folder, StoredMessages stored, List<Message> messages)
    {
        _grain = grain;
        _mailbox = mailbox;
        _folder = folder;
        _stored = stored;
        _messages = messages;
    }

    public int Count => _messages.Count;

    public static async Task<Pop3Maildrop> OpenAsync(
        IMailboxGrain grain, MailboxId mailbox, int folder, StoredMessages stored, CancellationToken cancellationToken)
    {
        var messages = new List<Message>();
        for (var more = true; more;)
        {
            var after = messages.Count == 0 ? 0 : messages[^1].Uid;
            var page = await grain.ListMessagesAsync(folder, after, PageSize, cancellationToken);
            foreach (var entry in page?.Messages ?? [])
            {
                messages.Add(new Message(entry.Email, entry.Uid, checked((uint)entry.Bytes)));
            }

            more = page?.More == true;
        }

        return new Pop3Maildrop(grain, mailbox, folder, stored, messages);
    }

    public long Octets(int index) => _messages[index].Bytes;

    public string UniqueId(int index) => _messages[index].Email.ToString();

    public async ValueTask<Stream?> OpenAsync(int index, CancellationToken cancellationToken) =>
        await _stored.OpenAsync(_mailbox, _messages[index].Email, _messages[index].Bytes, cancellationToken);

    public async ValueTask<bool> DeleteAsync(IReadOnlyList<int> indexes, CancellationToken cancellationToken)
    {
        var uids = new uint[indexes.Count];
        for (var i = 0; i < uids.Length; i++)
        {
            uids[i] = _messages[indexes[i]].Uid;
        }

        await _grain.ExpungeAsync(_folder, ImmutableCollectionsMarshal.AsImmutableArray(uids), cancellationToken);
        return true;
    }

    public ValueTask DisposeAsync() => default;

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private readonly record struct Message(EmailId Email, uint Uid, uint Bytes);
}
