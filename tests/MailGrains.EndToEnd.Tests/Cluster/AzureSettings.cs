using MailGrains.Testing.Azurite;

namespace MailGrains.EndToEnd.Tests.Cluster;

/// <summary>What a host is told to keep its state in an Azurite's account.</summary>
internal static class AzureSettings
{
    /// <summary>The installation's name, which the account is marked with.</summary>
    public const string Service = "mailgrains-crash";

    /// <param name="account">Of the mail, and of the cluster's tables too unless there is another for these.</param>
    /// <param name="cluster">The connection string of the account of the cluster's tables.</param>
    public static Dictionary<string, string> Of(AzuriteAccount account, string? cluster = null) => new()
    {
        ["MailGrains:Storage:Provider"] = "Azure",
        ["MailGrains:Storage:Accounts:0:ConnectionString"] = account.ConnectionString,
        ["MailGrains:Storage:Cluster:ConnectionString"] = cluster ?? account.ConnectionString,
        ["MailGrains:Cluster:ServiceId"] = Service,
    };
}
