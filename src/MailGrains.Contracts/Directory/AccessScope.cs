namespace MailGrains.Contracts.Directory;

/// <summary>What a login is for, and what an app password may be used for.</summary>
[Flags]
public enum AccessScope
{
    None = 0,
    Smtp = 1,
    Pop3 = 2,
    Imap = 4,
    Jmap = 8,
    Web = 16,
    All = Smtp | Pop3 | Imap | Jmap | Web,
}
