using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class SettingsCheckTests
{
    private const string LongestForAKey = "a-key-of-127-characters-0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

    private const string TooLongForAKey = LongestForAKey + "0";

    [Fact]
    public void Nothing_set_is_well()
    {
        Assert.Empty(Judge());
    }

    [Theory]
    [InlineData("MAILGRAINS_PROFILE", "staging", "dev and production")]
    [InlineData("MAILGRAINS_OPERATOR_IP_RANGES", "192.0.2.0/24, 10.0.0.300/32", "10.0.0.300/32")]
    [InlineData("MAILGRAINS_OPERATOR_IP_RANGES", "192.0.2.7", "192.0.2.7")]
    [InlineData("MAILGRAINS_EGRESS_PTR", "out.example.org.", "without the dot")]
    [InlineData("MAILGRAINS_HOST_NAME", "mail.example.org.", "without the dot")]
    [InlineData("MAILGRAINS_HOST_NAME", "mail", "no host name")]
    [InlineData("MAILGRAINS_HOST_NAME", "192.0.2.7", "no host name")]
    [InlineData("MAILGRAINS_HOST_NAME", "192.0.2.300", "no host name")]
    [InlineData("MAILGRAINS_HOST_NAME", "https://mail.example.org", "no host name")]
    [InlineData("MAILGRAINS_HOST_NAME", "mail..example.org", "no host name")]
    [InlineData("MAILGRAINS_HOST_NAME", "mail.-example.org", "no host name")]
    [InlineData("MAILGRAINS_HOST_NAME", "mail.bücher.example", "xn--")]
    [InlineData("MAILGRAINS_EGRESS_PTR", "out_1.example.org", "no host name")]
    [InlineData("MAILGRAINS_SMART_HOST", "https://smtp.example.org", "neither a host name")]
    [InlineData("MAILGRAINS_SMART_HOST", "smtp.example.org:587", "MAILGRAINS_SMART_HOST_PORT")]
    [InlineData("MAILGRAINS_SMART_HOST", "192.0.2.7:587", "MAILGRAINS_SMART_HOST_PORT")]
    [InlineData("MAILGRAINS_SMART_HOST", "smtp.example.org.", "without a dot at its end")]
    [InlineData("MAILGRAINS_SMART_HOST", "smtp", "neither a host name")]
    [InlineData("MAILGRAINS_SMART_HOST", "192.0.2.300", "nor an IPv4 address")]
    [InlineData("MAILGRAINS_SMART_HOST", "192.0.2", "nor an IPv4 address")]
    [InlineData("MAILGRAINS_SMART_HOST", "2001:db8::7", "nor an IPv4 address")]
    [InlineData("MAILGRAINS_SMART_HOST_PORT", "0", "from 1 to 65535")]
    [InlineData("MAILGRAINS_SMART_HOST_PORT", "65536", "from 1 to 65535")]
    [InlineData("MAILGRAINS_SMART_HOST_PORT", "-587", "from 1 to 65535")]
    [InlineData("MAILGRAINS_SMART_HOST_PORT", "submission", "from 1 to 65535")]
    [InlineData("MAILGRAINS_DATA_KEY_NAME", "mailgrains_data", "name of a vault's key")]
    [InlineData("MAILGRAINS_DATA_KEY_NAME", "keys/mailgrains-data", "name of a vault's key")]
    [InlineData("MAILGRAINS_DATA_KEY_NAME", TooLongForAKey, "127 at most")]
    [InlineData("MAILGRAINS_ACME_DIRECTORY", "http://acme.example.org/directory", "https address")]
    [InlineData("MAILGRAINS_ACME_DIRECTORY", "letsencrypt", "https address")]
    [InlineData("MAILGRAINS_ACME_CONTACT", "mailto:ann@example.com", "without mailto:")]
    [InlineData("MAILGRAINS_ACME_CONTACT", "ann", "no plain mail address")]
    [InlineData("MAILGRAINS_ACME_CONTACT", "ann@localhost", "no plain mail address")]
    [InlineData("MAILGRAINS_ACME_CONTACT", "Ann <ann@example.com>", "no plain mail address")]
    [InlineData("MAILGRAINS_CPU_REQUEST", "1500", "such as 500m")]
    [InlineData("MAILGRAINS_CPU_REQUEST", "65000m", "such as 500m")]
    [InlineData("MAILGRAINS_CPU_REQUEST", "0", "such as 500m")]
    [InlineData("MAILGRAINS_CPU_REQUEST", "1.5m", "such as 500m")]
    [InlineData("MAILGRAINS_CPU_REQUEST", "one", "such as 500m")]
    [InlineData("MAILGRAINS_MEMORY_LIMIT", "4096", "with its unit")]
    [InlineData("MAILGRAINS_MEMORY_LIMIT", "4GB", "with its unit")]
    [InlineData("MAILGRAINS_MEMORY_REQUEST", "0Gi", "with its unit")]
    [InlineData("MAILGRAINS_MEMORY_REQUEST", "2561Mi", "MAILGRAINS_MEMORY_LIMIT 2560Mi: a pod can't ask for more")]
    [InlineData("MAILGRAINS_MEMORY_LIMIT", "1023Mi", "MAILGRAINS_MEMORY_REQUEST is 1Gi")]
    public void What_can_not_be_meant_stops_the_deployment(string name, string value, string told)
    {
        var finding = Assert.Single(Judge((name, value)));

        Assert.Equal(Weight.Failure, finding.Weight);
        Assert.Contains(told, finding.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MAILGRAINS_HOST_NAME", "Mail-1.xn--bcher-kva.Example")]
    [InlineData("MAILGRAINS_EGRESS_PTR", "out.example.org")]
    [InlineData("MAILGRAINS_SMART_HOST", "smtp-1.example.org")]
    [InlineData("MAILGRAINS_SMART_HOST", "192.0.2.7")]
    [InlineData("MAILGRAINS_SMART_HOST_PORT", "1")]
    [InlineData("MAILGRAINS_SMART_HOST_PORT", "65535")]
    [InlineData("MAILGRAINS_DATA_KEY_NAME", "Mailgrains-2")]
    [InlineData("MAILGRAINS_DATA_KEY_NAME", LongestForAKey)]
    [InlineData("MAILGRAINS_ACME_DIRECTORY", "https://acme.example.org/directory")]
    [InlineData("MAILGRAINS_ACME_DIRECTORY", "None")]
    [InlineData("MAILGRAINS_ACME_CONTACT", "ann.lee+mail@example.com")]
    [InlineData("MAILGRAINS_CPU_REQUEST", "1500m")]
    [InlineData("MAILGRAINS_CPU_REQUEST", "64")]
    [InlineData("MAILGRAINS_CPU_REQUEST", "0.5")]
    [InlineData("MAILGRAINS_MEMORY_REQUEST", "2560Mi")]
    [InlineData("MAILGRAINS_MEMORY_REQUEST", "2.5Gi")]
    [InlineData("MAILGRAINS_MEMORY_LIMIT", "1024Mi")]
    public void What_can_be_meant_stops_nothing(string name, string value)
    {
        Assert.Empty(Judge((name, value)));
    }

    [Fact]
    public void What_the_profiles_say_stops_nothing()
    {
        Assert.All(Profile.Names, name => Assert.Empty(Judge(("MAILGRAINS_PROFILE", name))));
        Assert.Single(Judge(("MAILGRAINS_PROFILE", "production"), ("MAILGRAINS_MEMORY_LIMIT", "4Gi")));
    }

    [Theory]
    [InlineData("MAILGRAINS_HARDENED", "true")]
    [InlineData("MAILGRAINS_HARDENED", "True")]
    [InlineData("MAILGRAINS_SMART_HOST_USER", "mailgrains")]
    public void What_is_half_set_is_a_warning(string name, string value)
    {
        Assert.Equal(Weight.Warning, Assert.Single(Judge((name, value))).Weight);
    }

    [Fact]
    public void Accounts_are_never_taken_away()
    {
        Assert.Equal(Weight.Failure, SettingsCheck.JudgeShards(1, 2)?.Weight);
        Assert.Null(SettingsCheck.JudgeShards(2, 2));
        Assert.Null(SettingsCheck.JudgeShards(3, 2));
        Assert.Null(SettingsCheck.JudgeShards(1, null));
    }

    [Fact]
    public void A_number_that_is_none_is_named()
    {
        var failure = Assert.Throws<HookException>(() => new AzdVariables(_ => "many").Number("MAILGRAINS_MIN_NODES", 0));

        Assert.Contains("MAILGRAINS_MIN_NODES is \"many\"", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truth_value_that_is_none_is_named()
    {
        var failure = Assert.Throws<HookException>(() => Judge(("MAILGRAINS_HARDENED", "yes")));

        Assert.Contains("MAILGRAINS_HARDENED is \"yes\"", failure.Message, StringComparison.Ordinal);
    }

    private static List<Finding> Judge(params (string Name, string Value)[] set) =>
        [.. SettingsCheck.Judge(new AzdVariables(name => set.FirstOrDefault(s => s.Name == name).Value))];
}
