using System.Globalization;

namespace MailGrains.Protocols.Smtp;

/// <summary>What ETRN asks for (RFC 1985).</summary>
public enum EtrnScope
{
    /// <summary>Messages for the domain.</summary>
    Domain = 0,

    /// <summary>@: for the domain and all below it.</summary>
    Subdomains = 1,

    /// <summary>#: the queue of that name.</summary>
    Queue = 2,
}

/// <param name="Name">US-ASCII, a domain in its grammar; case as given.</param>
public readonly record struct EtrnNode(string Name, EtrnScope Scope)
{
    /// <summary>As the client wrote it.</summary>
    public override string ToString() => Scope switch
    {
        EtrnScope.Subdomains => "@" + Name,
        EtrnScope.Queue => "#" + Name,
        _ => Name,
    };
}

/// <summary>The answers that RFC 1985 has for ETRN.</summary>
public static class EtrnReplies
{
    public static SmtpReply Started250(EtrnNode node) => new(250, new(0, 0), $"OK, queuing for node {node} started");

    public static SmtpReply NothingWaits251(EtrnNode node) => new(251, new(0, 0), $"OK, no messages waiting for node {node}");

    public static SmtpReply PendingStarted252(EtrnNode node) => new(252, new(0, 0), $"OK, pending messages for node {node} started");

    public static SmtpReply PendingStarted253(EtrnNode node, long messages) =>
        new(253, new(0, 0), string.Create(CultureInfo.InvariantCulture, $"OK, {messages} pending messages for node {node} started"));

    public static SmtpReply CannotQueue458(EtrnNode node) => new(458, new(3, 0), $"Unable to queue messages for node {node}");

    public static SmtpReply NotAllowed459(EtrnNode node, string reason) => new(459, new(7, 1), $"Node {node} not allowed: {reason}");
}
