using MailGrains.Testing.Azurite;

namespace MailGrains.EndToEnd.Tests.Cluster;

/// <summary>What a host is told to keep its state in an Azurite's account.</summary>
internal static class AzureSettings
{
    /// <summary>The installation's name, which the account is marked with.</summary>
    public const string Service = "mailgrains-crash";

    public static Dictionary<string, string> Of(AzuriteAccount account) => new()
    {
        ["MailGrains:Storage:Provider"] = "Azure",
        ["MailGrains:Storage:Accounts:0:ConnectionString"] = account.ConnectionString,
        ["MailGrains:Cluster:ServiceId"] = Service,
    };
}
