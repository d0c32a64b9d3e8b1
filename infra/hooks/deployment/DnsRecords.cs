namespace MailGrains.Deployment;

/// <summary>The DNS records of a deployment and of each domain that it takes mail for.</summary>
public static class DnsRecords
{
    /// <summary>Under which Azure gives names to addresses; we can't set records there.</summary>
    private const string AzureNames = ".cloudapp.azure.com";

    /// <summary>Of Let's Encrypt's directories, the one for tests too.</summary>
    private const string LetsEncryptsHosts = ".api.letsencrypt.org";

    /// <exception cref="HookException">An output of the template is missing.</exception>
    public static IEnumerable<string> Describe(AzdVariables variables)
    {
        var host = variables.Required("MAILGRAINS_DEPLOYED_HOST_NAME");
        var address = variables.Required("MAILGRAINS_PUBLIC_IP_ADDRESS");
        var egress = variables.Required("MAILGRAINS_EGRESS_IP_ADDRESS");
        var pointer = variables.Required("MAILGRAINS_DEPLOYED_EGRESS_PTR");
        var smartHost = variables["MAILGRAINS_DEPLOYED_SMART_HOST"];

        yield return "The service's own names:";
        if (IsAzures(host))
        {
            yield return $"  {host}. leads to {address} already.";
            if (IsLetsEncrypts(variables["MAILGRAINS_DEPLOYED_ACME_DIRECTORY"]))
            {
                yield return "  Let's Encrypt counts certificates for all names below azure.com together, those of Azure's other customers too: it may refuse one (rateLimited).";
            }

            yield return "  Better is a name of your own: make its A record, then";
            yield return "  azd env set MAILGRAINS_HOST_NAME mail.example.com && azd up";
        }
        else
        {
            yield return Record($"{host}.", "A", address);
        }

        foreach (var line in DescribePointer(pointer, egress, smartHost))
        {
            yield return line;
        }

        yield return "";
        yield return "For each domain (here example.com) whose mail comes here:";
        yield return Record("example.com.", "MX", $"10 {host}.");
        foreach (var line in DescribeSpf(egress, smartHost))
        {
            yield return line;
        }

        yield return Record("_dmarc.example.com.", "TXT", "\"v=DMARC1; p=none; rua=mailto:postmaster@example.com\"");
        yield return Record("mail.example.com.", "CNAME", $"{host}.");
        yield return Record("mta-sts.example.com.", "CNAME", $"{host}.");
        yield return "  The last two are needed only where such names are used; certificates are ordered for those that lead here.";
    }

    private static IEnumerable<string> DescribePointer(string pointer, string egress, string? smartHost)
    {
        if (smartHost is not null)
        {
            yield return $"  {smartHost} sends your mail on, so no other server looks at the address that it leaves here from ({egress}).";
        }
        else if (IsAzures(pointer))
        {
            yield return $"  Mail leaves from {egress}, whose name is {pointer}. Many servers take such a name for none, and refuse.";
            yield return $"  Before you send to others: make an A record, such as out.example.com. A {egress}, then";
            yield return "  azd env set MAILGRAINS_EGRESS_PTR out.example.com && azd up";
        }
        else
        {
            yield return Record($"{pointer}.", "A", egress);
            yield return $"  {egress} stands for this name in reverse DNS (PTR) already; the A record must stay, or the next `azd up` fails.";
        }
    }

    private static IEnumerable<string> DescribeSpf(string egress, string? smartHost)
    {
        if (smartHost is null)
        {
            yield return Record("example.com.", "TXT", $"\"v=spf1 ip4:{egress} -all\"");
        }
        else
        {
            yield return Record("example.com.", "TXT", "\"v=spf1 include:<spf name> -all\"");
            yield return $"  What to include is told by whoever runs {smartHost}.";
        }
    }

    private static bool IsLetsEncrypts(string? directory) =>
        Uri.TryCreate(directory, UriKind.Absolute, out var url) && url.Host.EndsWith(LetsEncryptsHosts, StringComparison.OrdinalIgnoreCase);

    private static bool IsAzures(string name) => name.EndsWith(AzureNames, StringComparison.OrdinalIgnoreCase);

    private static string Record(string name, string type, string value) => $"  {name,-24} {type,-5} {value}";
}
