namespace MailGrains.Host.Configuration;

/// <summary>What this process does (<c>MailGrains:Roles</c>); a single process does all of it.</summary>
[Flags]
internal enum HostRoles
{
    None = 0,

    /// <summary>Speaks the mail protocols.</summary>
    Gateway = 1,

    /// <summary>Keeps mailboxes and the directory.</summary>
    Grains = 2,

    /// <summary>Sends to other servers.</summary>
    Relay = 4,

    /// <summary>Admin API and dashboard.</summary>
    Web = 8,

    All = Gateway | Grains | Relay | Web,
}
