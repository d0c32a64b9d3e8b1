using System.Buffers;
using System.Collections.Concurrent;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.InMemory;

/// <summary>Receives into an <see cref="InMemoryMailStore"/>: content as it came, one copy for each mailbox of the transaction.</summary>
public sealed class InMemorySmtpBackend(InMemoryMailStore store) : ISmtpBackend
{
    private readonly HashSet<string> _recipients = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What the session reported as failed.</summary>
    public ConcurrentQueue<Exception> Failures { get; } = new();

    /// <summary>Why contents were aborted, in order.</summary>
    public ConcurrentQueue<SmtpContentFailure> Aborts { get; } = new();

    /// <summary>What MAIL said, in order.</summary>
    public ConcurrentQueue<MailParameters> Mails { get; } = new();

    /// <summary>What each RCPT that was taken said, in order.</summary>
    public ConcurrentQueue<RcptParameters> Rcpts { get; } = new();

    /// <summary>What ETRN named, in order.</summary>
    public ConcurrentQueue<EtrnNode> Etrns { get; } = new();

    public SmtpHello Greeted { get; private set; }

    public TlsFacts? Tls { get; private set; }

    public SaslIdentity? Login { get; private set; }

    public void Secured(TlsFacts tls) => Tls = tls;

    public void Hello(SmtpHello hello) => Greeted = hello;

    public void Authenticated(SaslIdentity identity) => Login = identity;

    public ValueTask<SmtpReply> MailAsync(ReversePath reversePath, MailParameters parameters, CancellationToken cancellationToken)
    {
        Mails.Enqueue(parameters);
        return new(SmtpReply.SenderOk250);
    }

    public ValueTask<SmtpReply> RcptAsync(ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken)
    {
        if (forwardPath.Mailbox is not { } mailbox || !store.HasDomain(mailbox.Domain))
        {
            return new(SmtpReply.RelayDenied550);
        }

        var address = $"{mailbox.Localpart}@{mailbox.Domain}";
        if (!store.HasMailbox(address))
        {
            return new(SmtpReply.NoSuchMailbox550);
        }

        if (store.IsFull(address))
        {
            return new(SmtpReply.MailboxFull452);
        }

        _recipients.Add(address);
        Rcpts.Enqueue(parameters);
        return new(SmtpReply.RecipientOk250);
    }

    public ValueTask<SmtpContentStart> BeginContentAsync(CancellationToken cancellationToken) => new(SmtpContentStart.To(new Sink(this)));

    /// <summary>Nothing waits here for anybody, and hosted domains only may ask.</summary>
    public ValueTask<SmtpReply> EtrnAsync(EtrnNode node, CancellationToken cancellationToken)
    {
        Etrns.Enqueue(node);
        return new(store.HasDomain(node.Name) ? EtrnReplies.NothingWaits251(node) : EtrnReplies.NotAllowed459(node, "not a domain of ours"));
    }

    public void Reset() => _recipients.Clear();

    public void Failed(Exception failure) => Failures.Enqueue(failure);

    public ValueTask DisposeAsync() => default;

    private sealed class Sink(InMemorySmtpBackend backend) : ISmtpContentSink
    {
        private readonly ArrayBufferWriter<byte> _content = new();

        public ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
        {
            _content.Write(piece.Span);
            return default;
        }

        public ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken)
        {
            backend.Deliver(_content.WrittenMemory);
            return new(SmtpReply.Ok250);
        }

        public ValueTask AbortAsync(SmtpContentFailure reason)
        {
            backend.Aborts.Enqueue(reason);
            return default;
        }
    }

    private void Deliver(ReadOnlyMemory<byte> content) => store.Deliver(_recipients, content);
}
