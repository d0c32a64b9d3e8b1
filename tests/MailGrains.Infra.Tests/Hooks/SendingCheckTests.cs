using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class SendingCheckTests
{
    [Fact]
    public void An_enterprise_agreement_sends_on_port_25()
    {
        Assert.Equal(Weight.Good, SendingCheck.Judge("EnterpriseAgreement_2014-09-01", null, null).Weight);
    }

    [Theory]
    [InlineData("FreeTrial_2014-09-01")]
    [InlineData("PayAsYouGo_2014-09-01")]
    [InlineData("AzureForStudents_2018-01-01")]
    [InlineData("MSDN_2014-09-01")]
    [InlineData("MSDNDevTest_2014-09-01")]
    [InlineData("SomethingNew_2030-01-01")]
    [InlineData(null)]
    public void Any_other_offer_is_a_warning_that_names_the_smart_host_and_never_a_failure(string? quotaId)
    {
        var finding = SendingCheck.Judge(quotaId, null, null);

        Assert.Equal(Weight.Warning, finding.Weight);
        Assert.Contains("azd env set MAILGRAINS_SMART_HOST", finding.Text, StringComparison.Ordinal);

        // Anything else would write it to a file.
        Assert.Contains("azd env set-secret MAILGRAINS_SMART_HOST_PASSWORD", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_development_offer_can_be_exempted()
    {
        Assert.Contains("exemption", SendingCheck.Judge("MSDNDevTest_2014-09-01", null, null).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "port 587")]
    [InlineData("465", "port 465")]
    public void A_smart_host_makes_the_offer_unimportant(string? port, string told)
    {
        var finding = SendingCheck.Judge("FreeTrial_2014-09-01", "smtp.example.net", port);

        Assert.Equal(Weight.Good, finding.Weight);
        Assert.Contains(told, finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_smart_host_on_port_25_is_blocked_like_any_other()
    {
        Assert.Equal(Weight.Warning, SendingCheck.Judge("FreeTrial_2014-09-01", "smtp.example.net", "25").Weight);
    }
}
