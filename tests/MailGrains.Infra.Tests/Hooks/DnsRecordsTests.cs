using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class DnsRecordsTests
{
    private const string AzuresName = "mail-abc.westeurope.cloudapp.azure.com";

    [Fact]
    public void Names_of_ones_own_get_records_for_both_ways()
    {
        var lines = Describe();

        Assert.Contains("  mail.example.org.        A     192.0.2.25", lines);
        Assert.Contains("  out.example.org.         A     192.0.2.26", lines);
        Assert.Contains("  example.com.             MX    10 mail.example.org.", lines);
        Assert.Contains("  example.com.             TXT   \"v=spf1 ip4:192.0.2.26 -all\"", lines);
        Assert.Contains(lines, line => line.Contains("_dmarc.example.com.", StringComparison.Ordinal) && line.Contains("v=DMARC1;", StringComparison.Ordinal));
        Assert.Contains("  mta-sts.example.com.     CNAME mail.example.org.", lines);
        Assert.Contains("  mail.example.com.        CNAME mail.example.org.", lines);
    }

    [Fact]
    public void Where_only_Azures_name_is_known_it_says_how_to_get_one_of_ones_own()
    {
        var lines = Describe(("MAILGRAINS_DEPLOYED_HOST_NAME", AzuresName), ("MAILGRAINS_DEPLOYED_EGRESS_PTR", "mail-abc-out.westeurope.cloudapp.azure.com"));

        Assert.Contains("  azd env set MAILGRAINS_HOST_NAME mail.example.com && azd up", lines);
        Assert.Contains("  azd env set MAILGRAINS_EGRESS_PTR out.example.com && azd up", lines);
    }

    [Theory]
    [InlineData(AzuresName, "https://acme-v02.api.letsencrypt.org/directory", true)]
    [InlineData(AzuresName, "https://acme-staging-v02.api.letsencrypt.org/directory", true)]
    [InlineData(AzuresName, "https://acme.example.org/directory", false)]
    [InlineData(AzuresName, "https://acme.example.org/acme-v02.api.letsencrypt.org/directory", false)]
    [InlineData(AzuresName, "", false)]
    [InlineData("mail.example.org", "https://acme-v02.api.letsencrypt.org/directory", false)]
    public void Who_orders_a_certificate_of_Lets_Encrypt_for_Azures_name_is_told_that_it_may_be_refused(string host, string directory, bool told)
    {
        var lines = Describe(("MAILGRAINS_DEPLOYED_HOST_NAME", host), ("MAILGRAINS_DEPLOYED_ACME_DIRECTORY", directory));

        Assert.Equal(told, lines.Exists(line => line.Contains("rateLimited", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_smart_hosts_addresses_are_not_ours_to_name()
    {
        var lines = Describe(("MAILGRAINS_DEPLOYED_SMART_HOST", "smtp.example.net"));

        Assert.DoesNotContain(lines, line => line.Contains("ip4:", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("include:", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_the_outputs_of_a_deployment_it_says_so()
    {
        var failure = Assert.Throws<HookException>(() => DnsRecords.Describe(new AzdVariables(_ => null)).ToList());

        Assert.Contains("MAILGRAINS_DEPLOYED_HOST_NAME", failure.Message, StringComparison.Ordinal);
    }

    private static List<string> Describe(params (string Name, string Value)[] set)
    {
        Dictionary<string, string> variables = new()
        {
            ["MAILGRAINS_DEPLOYED_HOST_NAME"] = "mail.example.org",
            ["MAILGRAINS_PUBLIC_IP_ADDRESS"] = "192.0.2.25",
            ["MAILGRAINS_EGRESS_IP_ADDRESS"] = "192.0.2.26",
            ["MAILGRAINS_DEPLOYED_EGRESS_PTR"] = "out.example.org",
        };
        foreach (var (name, value) in set)
        {
            variables[name] = value;
        }

        return [.. DnsRecords.Describe(new AzdVariables(variables.GetValueOrDefault))];
    }
}
