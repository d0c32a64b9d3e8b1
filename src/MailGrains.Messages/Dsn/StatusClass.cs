namespace MailGrains.Messages.Dsn;

/// <summary>What kept a message from its recipient, as far as it changes what its sender, or an operator, can do about it.</summary>
public enum StatusClass
{
    /// <summary>What the server said is all that is known.</summary>
    Other = 0,
    MailboxUnknown = 1,
    MailboxFull = 2,

    /// <summary>It exists, and takes no mail.</summary>
    MailboxDisabled = 3,
    MessageTooLarge = 4,

    /// <summary>A rule of the receiver: who may send what to whom, and how much.</summary>
    Policy = 5,

    /// <summary>The receiver does not trust the server that it came from.</summary>
    Reputation = 6,

    /// <summary>SPF, DKIM, DMARC, ARC or reverse DNS did not show who it is from.</summary>
    Authentication = 7,
    Tls = 8,

    /// <summary>The domain has no servers, or takes no mail, or could not be looked up.</summary>
    Dns = 9,

    /// <summary>No way leads there, or it leads round in a circle.</summary>
    Routing = 10,

    /// <summary>What the message holds, or the form that it has.</summary>
    Content = 11,

    /// <summary>A fault or lack of the receiving system, or of ours.</summary>
    System = 12,

    /// <summary>The server could not be reached, or the connection broke.</summary>
    Network = 13,

    /// <summary>Nothing refused it, but its time is over.</summary>
    Expired = 14,

    /// <summary>The receiver puts off whom it does not know yet.</summary>
    Greylisted = 15,
}
